/* predict_one as a Python function: a call through ctypes takes as long as several predictions.
 *
 * It uses Python's stable ABI (3.2 and later), and gets the addresses of its functions at run time. So the library is
 * built without Python's headers, works with every Python 3, and can be loaded without Python. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "library.h"
#include "model.h"
#include "reference.h"

typedef struct object object;
typedef object *python_function(object *self, object *argument);

#define METH_O 8
struct definition { /* PyMethodDef */
    const char *name;
    python_function *function;
    int flags;
    const char *doc;
};

static struct {
    double (*PyFloat_AsDouble)(object *);
    object *(*PyErr_Occurred)(void);
    object *(*PyTuple_GetItem)(object *, ptrdiff_t); /* borrowed */
    ptrdiff_t (*PyTuple_Size)(object *);
    object *(*PyTuple_New)(ptrdiff_t);
    int (*PyTuple_SetItem)(object *, ptrdiff_t, object *); /* takes the reference */
    object *(*PyDict_New)(void);
    int (*PyDict_SetItem)(object *, object *, object *);
    object *(*PyFloat_FromDouble)(double);
    object *(*PyLong_FromLong)(long);
    object *(*PyBool_FromLong)(long);
    void (*Py_DecRef)(object *);
    object *(*PyCFunction_NewEx)(void *, object *, object *);
    object *(*PyList_New)(ptrdiff_t);
    int (*PyList_SetItem)(object *, ptrdiff_t, object *); /* takes the reference */
    void (*Py_IncRef)(object *);
    object *None; /* not a function */
} python;

static float *margins;             /* the caller's memory: the margins of the last call */
static object *names[VALUE_COUNT]; /* the keys of the values, which the caller keeps */

/* Return a new list of the names in the prediction set, or NULL without memory. */
static object *prediction_set(const float *value) {
    int members[VALUE_COUNT], count = 0;
    for (int i = 0; i < VALUE_COUNT; i++) {
        members[count] = i;
        count += in_prediction_set(value, i);
    }
    object *list = python.PyList_New(count);
    for (int i = 0; list && i < count; i++) {
        python.Py_IncRef(names[members[i]]);
        python.PyList_SetItem(list, i, names[members[i]]);
    }
    return list;
}

static object *predict_tuple(object *self, object *measurements) {
    (void)self;
    const ptrdiff_t given = python.PyTuple_Size(measurements);
    if (given > MEASUREMENT_COUNT) return python.PyTuple_GetItem(measurements, given); /* raises IndexError */
    float measurement[MEASUREMENT_COUNT], value[VALUE_COUNT];
    for (int i = 0; i < MEASUREMENT_COUNT; i++) {
        object *item = python.PyTuple_GetItem(measurements, i);
        if (!item) return NULL;
        const double number = item == python.None ? NAN : python.PyFloat_AsDouble(item);
        if (number == -1.0 && python.PyErr_Occurred()) return NULL;
        measurement[i] = (float)number;
    }
    const int32_t label = predict_one(measurement, margins, value);
    object *answer = python.PyTuple_New(5), *values = python.PyDict_New(), *set = prediction_set(value);
    if (!answer || !values || !set) return NULL; /* MemoryError: what was made leaks */
    for (int i = 0; i < VALUE_COUNT; i++) {
        object *number = python.PyFloat_FromDouble(value[i]);
        if (!number || python.PyDict_SetItem(values, names[i], number)) return NULL;
        python.Py_DecRef(number);
    }
    python.PyTuple_SetItem(answer, 0, python.PyLong_FromLong(label));
    python.PyTuple_SetItem(answer, 1, values);
    const float distance = reference_distance(measurement);
    python.PyTuple_SetItem(answer, 2, set);
    python.PyTuple_SetItem(answer, 3, python.PyBool_FromLong(in_distribution(distance)));
    python.PyTuple_SetItem(answer, 4, python.PyFloat_FromDouble(distance));
    return answer;
}

void *python_predict(void *const functions[], float *margin, void *value_names, void *owner) {
    __builtin_memcpy(&python, functions, sizeof python);
    margins = margin;
    for (int i = 0; i < VALUE_COUNT; i++) names[i] = python.PyTuple_GetItem(value_names, i);
    /* Never freed: the function reads it when it is deallocated, and the library may be unmapped before that. */
    struct definition *definition = malloc(sizeof *definition);
    if (!definition) return NULL;
    definition->name = "predict";
    definition->function = predict_tuple;
    definition->flags = METH_O;
    definition->doc = "Measurements in; label, dict of the values, prediction set, in distribution, distance out.";
    return python.PyCFunction_NewEx(definition, owner, NULL);
}
