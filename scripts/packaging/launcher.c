/* The program opskit of the standalone build: CPython and the place of its library, without a shell between.
 *
 * It finds its tree by its own place, whatever it is called by, so that the tree can be moved and linked to. Nothing of
 * the environment (PYTHONPATH, PYTHONHOME …), of the user or of the working directory has a say: as `python -I`.
 * Called python3, it is that interpreter; called anything else, it is opskit.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static char tree[PATH_MAX];

static int fail(const char *what)
{
    fprintf(stderr, "opskit: %s\n", what);
    return 1;
}

/* TREE/bin/opskit is running: tree becomes TREE. */
static int find_tree(void)
{
    ssize_t length = readlink("/proc/self/exe", tree, sizeof tree - 1);
    if (length < 0)
        return -1;
    tree[length] = 0;
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(tree, '/');
        if (slash == NULL)
            return -1;
        *slash = 0;
    }
    return 0;
}

static PyStatus set(PyConfig *config, wchar_t **field, const char *below)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s%s", tree, below);
    return PyConfig_SetBytesString(config, field, path);
}

static PyStatus search(PyConfig *config, const char *below)
{
    wchar_t *path = NULL;
    PyStatus status = set(config, &path, below);
    if (!PyStatus_Exception(status))
        status = PyWideStringList_Append(&config->module_search_paths, path);
    PyMem_RawFree(path);
    return status;
}

static PyStatus configure(PyConfig *config, int argc, char **argv, int plain)
{
    PyStatus status;
    config->isolated = 1;
    config->use_environment = 0;
    config->user_site_directory = 0;
    config->safe_path = 1;
    config->site_import = 0;
    config->write_bytecode = 0;
    config->parse_argv = plain;
    config->module_search_paths_set = 1;
    struct { wchar_t **field; const char *below; } places[] = {
        {&config->home, ""}, {&config->prefix, ""}, {&config->exec_prefix, ""},
        {&config->base_prefix, ""}, {&config->base_exec_prefix, ""},
        {&config->executable, "/bin/python3"}, {&config->base_executable, "/bin/python3"},
        {&config->stdlib_dir, "/lib/python3.13"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (PyStatus_Exception(status = set(config, places[i].field, places[i].below)))
            return status;
    if (PyStatus_Exception(status = search(config, "/lib/python3.13")))
        return status;
    if (PyStatus_Exception(status = search(config, "/lib/packages")))
        return status;
    return PyConfig_SetBytesArgv(config, argc, argv);
}

/* from opskit.__main__ import run; run() */
static int opskit(void)
{
    PyObject *module = PyImport_ImportModule("opskit.__main__");
    PyObject *done = module == NULL ? NULL : PyObject_CallMethod(module, "run", NULL);
    if (done == NULL)
        PyErr_Print(); /* a SystemExit ends the process here */
    int failed = done == NULL;
    Py_XDECREF(done);
    Py_XDECREF(module);
    if (Py_FinalizeEx() < 0)
        return 120; /* as Python's own main does where the streams cannot be flushed */
    return failed;
}

int main(int argc, char **argv)
{
    if (find_tree() < 0)
        return fail("its own place is not known: is /proc mounted?");
    const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
    name = name != NULL ? name + 1 : argc > 0 ? argv[0] : "";
    int plain = strncmp(name, "python", 6) == 0;

    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    before.isolated = 1;
    before.use_environment = 0;
    before.parse_argv = plain;
    PyStatus status = plain ? Py_PreInitializeFromBytesArgs(&before, argc, argv) : Py_PreInitialize(&before);
    if (PyStatus_Exception(status))
        Py_ExitStatusException(status);
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    status = configure(&config, argc, argv, plain);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status))
        Py_ExitStatusException(status);
    return plain ? Py_RunMain() : opskit();
}
