/*
 * What a program may do wrong, and what it then gets; and what it may do though it looks daring: many threads at once,
 * closing twice, freeing while calls run, forking. Needs no vendor.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sis_integrations.h"

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                           \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

#define ADMIN "\"actor\":{\"id\":\"u-1\",\"role\":\"admin\"}"

static const char *OPTIONS = "{\"storage\":\"memory\",\"masterKey\":"
                             "\"00112233445566778899aabbccddeeff102132435465768798a9babbdcddedfe\"}";

static bool is(sis_str text, const char *other) {
    return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0 && text.data[text.len] == '\0';
}

static sis_manager *open_manager(void) {
    sis_manager *manager = NULL;
    sis_error *error = NULL;
    sis_status status = sis_manager_open(sis_str_from(OPTIONS), &manager, &error);
    if (status != SIS_STATUS_OK) fprintf(stderr, "%s\n", sis_error_json(error).data);
    CHECK(status == SIS_STATUS_OK && manager != NULL && error == NULL);
    return manager;
}

/* The failure is what it should be, the accessors say so, and the result was left alone. */
static void check_failure(sis_status status, sis_error *error, sis_status wanted, const char *field) {
    if (status != wanted) fprintf(stderr, "status %u, error %s\n", (unsigned)status, sis_error_json(error).data);
    CHECK(status == wanted && error != NULL);
    CHECK(sis_error_code(error) == wanted);
    CHECK(is(sis_error_name(error), sis_status_name(wanted).data));
    if (!is(sis_error_field(error), field)) fprintf(stderr, "not at \"%s\": %s\n", field, sis_error_json(error).data);
    CHECK(is(sis_error_field(error), field));
    CHECK(sis_error_message(error).len > 0);
    CHECK(strstr(sis_error_json(error).data, sis_error_name(error).data) != NULL);
    sis_error_free(error);
}

/* The call is made first: in one expression its error might be read before it is set. */
#define EXPECT(call, wanted, field)                                                                                   \
    do {                                                                                                              \
        error = NULL;                                                                                                 \
        sis_status answered = (call);                                                                                 \
        check_failure(answered, error, wanted, field);                                                                \
        error = NULL;                                                                                                 \
    } while (0)

static void versions(void) {
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", SIS_VERSION_MAJOR, SIS_VERSION_MINOR, SIS_VERSION_PATCH);
    CHECK(strcmp(version, SIS_VERSION) == 0);
    CHECK(is(sis_version(), SIS_VERSION));
    CHECK(is(sis_status_name(SIS_STATUS_OK), "ok"));
    CHECK(is(sis_status_name(SIS_STATUS_PERMISSION_DENIED), "permission_denied"));
    CHECK(is(sis_status_name((sis_status)4000000000u), "internal"));
}

static void nothing_to_ask_or_release(void) {
    CHECK(sis_error_code(NULL) == SIS_STATUS_OK);
    CHECK(is(sis_error_name(NULL), "ok"));
    CHECK(is(sis_error_message(NULL), ""));
    CHECK(is(sis_error_field(NULL), ""));
    CHECK(is(sis_error_request_id(NULL), ""));
    CHECK(is(sis_error_json(NULL), ""));
    CHECK(sis_error_retry(NULL) == SIS_RETRY_NEVER);
    CHECK(sis_error_retry_after_ms(NULL) == 0);
    CHECK(is(sis_str_from(NULL), ""));
    sis_error_free(NULL);
    sis_manager_free(NULL);
    sis_bytes_free(NULL);
    sis_bytes none = {0};
    sis_bytes_free(&none);
}

static void opening(void) {
    sis_manager *untouched = (sis_manager *)&untouched;
    sis_manager *manager = untouched;
    sis_error *error = NULL;
    sis_str nowhere = {NULL, 5};
    sis_str latin1 = {"{\"storage\":\"\xe9\"}", 15};
    sis_str endless = {"{}", SIZE_MAX};

    EXPECT(sis_manager_open(sis_str_from(OPTIONS), NULL, &error), SIS_STATUS_INVALID_ARGUMENT, "manager");
    EXPECT(sis_manager_open(nowhere, &manager, &error), SIS_STATUS_INVALID_ARGUMENT, "options");
    EXPECT(sis_manager_open(latin1, &manager, &error), SIS_STATUS_INVALID_ARGUMENT, "options");
    EXPECT(sis_manager_open(endless, &manager, &error), SIS_STATUS_INVALID_ARGUMENT, "options");
    EXPECT(sis_manager_open(sis_str_from(""), &manager, &error), SIS_STATUS_INVALID_ARGUMENT, "options");
    EXPECT(sis_manager_open(sis_str_from("{"), &manager, &error), SIS_STATUS_INVALID_ARGUMENT, "options");
    EXPECT(sis_manager_open(sis_str_from("{\"storage\":\"memory\",\"masterKey\":\"short\"}"), &manager, &error), SIS_STATUS_WEAK_MASTER_KEY, "masterKey");
    EXPECT(sis_manager_open(sis_str_from("{\"stroage\":\"memory\"}"), &manager, &error), SIS_STATUS_INVALID_ARGUMENT, "stroage");
    CHECK(sis_manager_open(nowhere, &manager, NULL) == SIS_STATUS_INVALID_ARGUMENT);
    CHECK(sis_manager_open(nowhere, NULL, NULL) == SIS_STATUS_INVALID_ARGUMENT);
    CHECK(manager == untouched);
}

static void calling(void) {
    sis_manager *manager = open_manager();
    sis_bytes result = {"untouched", 9};
    sis_error *error = NULL;
    sis_str stats = sis_str_from("{\"tenant\":\"t-1\"," ADMIN "}");
    sis_str nowhere = {NULL, 1};
    sis_str latin1 = {"\xe9", 1};

    EXPECT(sis_manager_call(NULL, sis_str_from("stats"), stats, &result, &error), SIS_STATUS_INVALID_ARGUMENT,
           "manager");
    EXPECT(sis_manager_call(manager, sis_str_from("stats"), stats, NULL, &error), SIS_STATUS_INVALID_ARGUMENT,
           "result");
    EXPECT(sis_manager_call(manager, nowhere, stats, &result, &error), SIS_STATUS_INVALID_ARGUMENT, "function");
    EXPECT(sis_manager_call(manager, latin1, stats, &result, &error), SIS_STATUS_INVALID_ARGUMENT, "function");
    EXPECT(sis_manager_call(manager, sis_str_from("fly"), stats, &result, &error), SIS_STATUS_NOT_FOUND, "");
    EXPECT(sis_manager_call(manager, sis_str_from("stats"), latin1, &result, &error), SIS_STATUS_INVALID_ARGUMENT, "request");
    EXPECT(sis_manager_call(manager, sis_str_from("stats"), sis_str_from("[]"), &result, &error), SIS_STATUS_INVALID_ARGUMENT, "");
    EXPECT(sis_manager_call(manager, sis_str_from("stats"), sis_str_from("{\"tenant\":\"../t\"," ADMIN "}"), &result,
                            &error), SIS_STATUS_INVALID_ARGUMENT, "tenant");
    EXPECT(sis_manager_execute(manager, sis_str_from("nonsense"), &result, &error), SIS_STATUS_INVALID_ARGUMENT,
           "request");
    EXPECT(sis_manager_configure(manager, sis_str_from(""), &result, &error), SIS_STATUS_INVALID_ARGUMENT,
           "request");
    EXPECT(sis_manager_grant(NULL, stats, &result, &error), SIS_STATUS_INVALID_ARGUMENT, "manager");
    CHECK(sis_manager_execute(NULL, nowhere, NULL, NULL) == SIS_STATUS_INVALID_ARGUMENT);
    CHECK(strcmp(result.data, "untouched") == 0 && result.len == 9);

    /* Nested beyond all measure. */
    size_t deep = 200000;
    char *brackets = malloc(deep);
    CHECK(brackets != NULL);
    memset(brackets, '[', deep);
    sis_str abyss = {brackets, deep};
    EXPECT(sis_manager_execute(manager, abyss, &result, &error), SIS_STATUS_INVALID_ARGUMENT, "request");
    free(brackets);

    /* Refusals need no vendor. */
    sis_status status = sis_manager_execute(
        manager,
        sis_str_from("{\"tenant\":\"t-1\",\"actor\":{\"id\":\"s-9\",\"role\":\"student\"},\"provider\":\"pigeon\","
                     "\"operation\":\"send\"}"),
        &result, &error);
    CHECK(status == SIS_STATUS_UNKNOWN_PROVIDER && sis_error_retry(error) == SIS_RETRY_NEVER);
    sis_error_free(error);
    EXPECT(sis_manager_call(manager, sis_str_from("audit"),
                            sis_str_from("{\"tenant\":\"t-1\",\"actor\":{\"id\":\"s-9\",\"role\":\"student\"}}"),
                            &result, &error), SIS_STATUS_PERMISSION_DENIED, "");

    /* A result is released once; the second time there is nothing. */
    CHECK(sis_manager_call(manager, sis_str_from("stats"), stats, &result, &error) == SIS_STATUS_OK && error == NULL);
    CHECK(result.len == strlen(result.data) && strstr(result.data, "\"calls\"") != NULL);
    sis_bytes_free(&result);
    CHECK(result.data == NULL && result.len == 0);
    sis_bytes_free(&result);

    /* What is closed stays closed; closing it again does nothing, and says so. */
    EXPECT(sis_manager_close(NULL, 0, &error), SIS_STATUS_INVALID_ARGUMENT, "manager");
    CHECK(sis_manager_close(manager, 1000, NULL) == SIS_STATUS_OK);
    EXPECT(sis_manager_close(manager, UINT64_MAX, &error), SIS_STATUS_CLOSED, "");
    EXPECT(sis_manager_call(manager, sis_str_from("stats"), stats, &result, &error), SIS_STATUS_CLOSED, "");
    sis_manager_free(manager);
}

/* Eight threads, one manager, a grant and a reading of it each, again and again. */
enum { THREADS = 8, ROUNDS = 25 };

struct caller {
    pthread_t thread;
    const sis_manager *manager;
    int number;
};

static void *call_often(void *argument) {
    const struct caller *caller = argument;
    for (int round = 0; round < ROUNDS; round++) {
        char request[256], user[32];
        sis_bytes result = {0};
        sis_error *error = NULL;
        snprintf(user, sizeof user, "u-%d-%d", caller->number, round);
        snprintf(request, sizeof request,
                 "{\"tenant\":\"t-%d\"," ADMIN ",\"userId\":\"%s\",\"provider\":\"twilio\","
                 "\"permissions\":{\"allow\":[\"*\"]}}",
                 caller->number % 3, user);
        sis_status status = sis_manager_grant(caller->manager, sis_str_from(request), &result, &error);
        if (status != SIS_STATUS_OK) fprintf(stderr, "%s\n", sis_error_json(error).data);
        CHECK(status == SIS_STATUS_OK);
        sis_bytes_free(&result);
        snprintf(request, sizeof request,
                 "{\"tenant\":\"t-%d\"," ADMIN ",\"userId\":\"%s\",\"provider\":\"twilio\"}", caller->number % 3, user);
        status = sis_manager_call(caller->manager, sis_str_from("permissions"), sis_str_from(request), &result, &error);
        CHECK(status == SIS_STATUS_OK && strstr(result.data, "\"allow\":[\"*\"]") != NULL);
        sis_bytes_free(&result);
        status = sis_manager_call(caller->manager, sis_str_from("fly"), sis_str_from("{}"), &result, &error);
        CHECK(status == SIS_STATUS_NOT_FOUND);
        sis_error_free(error);
    }
    return NULL;
}

static void start(struct caller callers[THREADS], sis_manager *manager, void *(*work)(void *)) {
    for (int i = 0; i < THREADS; i++) {
        callers[i].manager = manager;
        callers[i].number = i;
        CHECK(pthread_create(&callers[i].thread, NULL, work, &callers[i]) == 0);
    }
}

static void join(struct caller callers[THREADS]) {
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(callers[i].thread, NULL) == 0);
}

static void many_threads(void) {
    sis_manager *manager = open_manager();
    struct caller callers[THREADS];
    start(callers, manager, call_often);
    join(callers);
    CHECK(sis_manager_close(manager, 10000, NULL) == SIS_STATUS_OK);
    sis_manager_free(manager);
}

/* An error may be read by several threads, and outlives its manager. */
static void *read_error(void *argument) {
    const sis_error *error = argument;
    for (int i = 0; i < 1000; i++) CHECK(is(sis_error_name(error), "not_found"));
    return NULL;
}

static void errors_outlive_managers(void) {
    sis_manager *manager = open_manager();
    sis_bytes result = {0};
    sis_error *error = NULL;
    CHECK(sis_manager_call(manager, sis_str_from("fly"), sis_str_from("{}"), &result, &error) == SIS_STATUS_NOT_FOUND);
    sis_manager_free(manager); /* without closing: stops at once */
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, read_error, error) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    sis_error_free(error);
}

/* Calls that a closing manager finds under way end well; those that come later are told that it is closed. */
static void *verify_until_closed(void *argument) {
    struct caller *caller = argument;
    sis_bytes result = {0};
    sis_error *error = NULL;
    sis_status status = sis_manager_call(caller->manager, sis_str_from("verifyAudit"),
                                         sis_str_from("{\"tenant\":\"t-1\"," ADMIN "}"), &result, &error);
    CHECK(status == SIS_STATUS_OK || status == SIS_STATUS_CLOSED);
    sis_bytes_free(&result);
    sis_error_free(error);
    return NULL;
}

static void closing_while_calls_run(void) {
    sis_manager *manager = open_manager();
    struct caller callers[THREADS];
    start(callers, manager, verify_until_closed);
    CHECK(sis_manager_close(manager, 10000, NULL) == SIS_STATUS_OK);
    join(callers);
    sis_manager_free(manager);
}

/* A child of fork gets an answer, not a wait without end, and may open a manager of its own. */
static void forking(void) {
    sis_manager *manager = open_manager();
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        sis_bytes result = {0};
        sis_error *error = NULL;
        EXPECT(sis_manager_call(manager, sis_str_from("stats"), sis_str_from("{}"), &result, &error), SIS_STATUS_CLOSED, "");
        sis_manager_free(manager);
        sis_manager *own = open_manager();
        CHECK(sis_manager_close(own, 1000, NULL) == SIS_STATUS_OK);
        sis_manager_free(own);
        /* Not _exit: valgrind would count as leaks what the parent's threads held, which are not in this process. */
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(sis_manager_close(manager, 1000, NULL) == SIS_STATUS_OK);
    sis_manager_free(manager);
}

/* In a child, freeing does nothing, whatever the parent's threads were about when it forked: it returns. */
static void forking_under_load(void) {
    enum { CHILDREN = 20 };
    sis_manager *manager = open_manager();
    struct caller callers[THREADS];
    start(callers, manager, call_often);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(60); /* ends a child that would wait for ever */
            sis_manager_free(manager);
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    join(callers);
    CHECK(sis_manager_close(manager, 10000, NULL) == SIS_STATUS_OK);
    sis_manager_free(manager);
}

int main(void) {
    versions();
    nothing_to_ask_or_release();
    opening();
    calling();
    many_threads();
    errors_outlive_managers();
    closing_while_calls_run();
    forking();
    forking_under_load();
    puts("misuse: ok");
    return 0;
}
