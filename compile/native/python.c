/* predict_one and predict_rows as Python functions: a call through ctypes takes as long as several predictions.
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

#define METH_VARARGS 1
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
    long long (*PyLong_AsLongLong)(object *);
    int (*PyBytes_AsStringAndSize)(object *, char **, ptrdiff_t *);
    object *(*PyByteArray_FromStringAndSize)(const char *, ptrdiff_t);
    char *(*PyByteArray_AsString)(object *);
    void *(*PyEval_SaveThread)(void);
    void (*PyEval_RestoreThread)(void *);
    object *(*PyErr_NoMemory)(void);
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

#define SHORT_TREES 100000 /* trees of all rows: below, a call takes less time than giving the lock away and getting it back */

/* Give back the answer of a call that has no memory for all of it: it may be large. */
static object *discarded(object *answer) {
    if (answer) python.Py_DecRef(answer);
    return NULL;
}

/* The arguments are checked by the caller, binding/library.py: data, the offset in it, rows, instruction set, and whether
 * the rows are of features. */
static object *predict_batch(object *self, object *arguments) {
    (void)self;
    char *data;
    ptrdiff_t size;
    long long number[4];
    if (python.PyBytes_AsStringAndSize(python.PyTuple_GetItem(arguments, 0), &data, &size)) return NULL;
    for (int i = 0; i < 4; i++) number[i] = python.PyLong_AsLongLong(python.PyTuple_GetItem(arguments, i + 1));
    if (python.PyErr_Occurred()) return NULL;
    const long long rows = number[1];
    const ptrdiff_t bytes[] = {rows * OUTPUT_COUNT * 4, rows * VALUE_COUNT * 4, rows * 4};
    object *answer = python.PyTuple_New(3);
    void *out[3];
    for (int i = 0; i < 3; i++) {
        object *array = python.PyByteArray_FromStringAndSize(NULL, bytes[i]);
        if (!array || !answer) return discarded(answer);
        out[i] = python.PyByteArray_AsString(array);
        python.PyTuple_SetItem(answer, i, array);
    }
    int32_t (*const predict)(int32_t, const float *, int64_t, float *, float *, int32_t *) =
        number[3] ? predict_feature_rows : predict_rows;
    void *thread = rows * TREE_COUNT < SHORT_TREES ? NULL : python.PyEval_SaveThread();
    const int32_t failed =
        predict((int32_t)number[2], (const float *)(void *)(data + number[0]), rows, out[0], out[1], out[2]);
    if (thread) python.PyEval_RestoreThread(thread);
    return failed ? discarded(answer), python.PyErr_NoMemory() : answer;
}

/* Return a new Python function. Its definition is never freed: the function reads it when it is deallocated, and the
 * library may be unmapped before that. */
static object *function_of(const char *name, python_function *function, int flags, object *owner, const char *doc) {
    struct definition *definition = malloc(sizeof *definition);
    if (!definition) return NULL;
    *definition = (struct definition){name, function, flags, doc};
    return python.PyCFunction_NewEx(definition, owner, NULL);
}

void *python_predict(void *const functions[], float *margin, void *value_names, void *owner) {
    __builtin_memcpy(&python, functions, sizeof python);
    margins = margin;
    for (int i = 0; i < VALUE_COUNT; i++) names[i] = python.PyTuple_GetItem(value_names, i);
    return function_of("predict", predict_tuple, METH_O, owner,
                       "Measurements in; label, dict of the values, prediction set, in distribution, distance out.");
}

void *python_predict_batch(void *owner) {
    return function_of("predict_batch", predict_batch, METH_VARARGS, owner, "Rows in; margins, values and labels out.");
}
