/* predict_one as a Python function: a call through ctypes takes as long as several predictions.
 *
 * It uses Python's stable ABI (3.2 and later), and gets the addresses of its functions at run time. So the library is
 * built without Python's headers, works with every Python 3, and can be loaded without Python. */
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
} python;

static float *margins; /* the caller's memory: the margins of the last call */
static object *names;  /* a tuple: the keys of the probabilities */

static object *predict_tuple(object *self, object *measurements) {
    (void)self;
    const ptrdiff_t given = python.PyTuple_Size(measurements);
    if (given > MEASUREMENT_COUNT) return python.PyTuple_GetItem(measurements, given); /* raises IndexError */
    float measurement[MEASUREMENT_COUNT], probability[OUTPUT_COUNT];
    for (int i = 0; i < MEASUREMENT_COUNT; i++) {
        object *item = python.PyTuple_GetItem(measurements, i);
        if (!item) return NULL;
        const double value = python.PyFloat_AsDouble(item);
        if (value == -1.0 && python.PyErr_Occurred()) return NULL;
        measurement[i] = (float)value;
    }
    const int32_t label = predict_one(measurement, margins, probability);
    object *answer = python.PyTuple_New(5), *shares = python.PyDict_New();
    if (!answer || !shares) return NULL; /* MemoryError: what was made leaks */
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        object *share = python.PyFloat_FromDouble(probability[i]);
        if (!share || python.PyDict_SetItem(shares, python.PyTuple_GetItem(names, i), share)) return NULL;
        python.Py_DecRef(share);
    }
    python.PyTuple_SetItem(answer, 0, python.PyLong_FromLong(label));
    python.PyTuple_SetItem(answer, 1, shares);
    const float distance = reference_distance(measurement);
    python.PyTuple_SetItem(answer, 2, python.PyLong_FromLong(prediction_set(probability)));
    python.PyTuple_SetItem(answer, 3, python.PyBool_FromLong(in_distribution(distance)));
    python.PyTuple_SetItem(answer, 4, python.PyFloat_FromDouble(distance));
    return answer;
}

void *python_predict(void *const functions[], float *margin, void *output_names, void *owner) {
    __builtin_memcpy(&python, functions, sizeof python);
    margins = margin;
    names = output_names;
    /* Never freed: the function reads it when it is deallocated, and the library may be unmapped before that. */
    struct definition *definition = malloc(sizeof *definition);
    if (!definition) return NULL;
    definition->name = "predict";
    definition->function = predict_tuple;
    definition->flags = METH_O;
    definition->doc = "Measurements in; label, dict of the probabilities, prediction set, in distribution, distance out.";
    return python.PyCFunction_NewEx(definition, owner, NULL);
}
