/*
 * API keys, and input and storage at their limits: what a program then gets. Arguments: what to try, and the options of
 * the manager. Needs no vendor.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sis_integrations.h"

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                           \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

#define SCHOOL "\"tenant\":\"t-1\",\"actor\":{\"id\":\"u-1\",\"role\":\"admin\"}"

/* Opens a manager; ends with the status that says why not. */
static sis_status open_manager(const char *options, sis_manager **manager) {
    sis_error *error = NULL;
    sis_status status = sis_manager_open(sis_str_from(options), manager, &error);
    CHECK((status == SIS_STATUS_OK) == (error == NULL));
    sis_error_free(error);
    return status;
}

/* Calls a function that must work; the caller deletes the answer. */
static cJSON *call(const sis_manager *manager, const char *function, const char *request) {
    sis_bytes result = {0};
    sis_error *error = NULL;
    sis_status status = sis_manager_call(manager, sis_str_from(function), sis_str_from(request), &result, &error);
    if (status != SIS_STATUS_OK) fprintf(stderr, "%s: %s\n", function, sis_error_json(error).data);
    CHECK(status == SIS_STATUS_OK);
    cJSON *answer = cJSON_ParseWithLength(result.data, result.len);
    CHECK(answer != NULL);
    sis_bytes_free(&result);
    return answer;
}

static const char *text(const cJSON *object, const char *name) {
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    CHECK(value != NULL);
    return value;
}

/* A key works until it is revoked, and is listed with its end. */
static void keys(const char *options) {
    sis_manager *manager = NULL;
    CHECK(open_manager(options, &manager) == SIS_STATUS_OK);
    cJSON *made = call(manager, "createApiKey",
                       "{" SCHOOL ",\"apiKey\":{\"name\":\"bus\",\"userId\":\"u-2\",\"role\":\"staff\",\"scopes\":[\"*\"]}}");
    char shown[256], by_id[256];
    snprintf(shown, sizeof shown, "{\"key\":\"%s\"}", text(made, "key"));
    snprintf(by_id, sizeof by_id, "{" SCHOOL ",\"id\":\"%s\"}", text(made, "id"));

    cJSON *whose = call(manager, "authenticateApiKey", shown);
    CHECK(strcmp(text(whose, "tenant"), "t-1") == 0);
    CHECK(strcmp(text(cJSON_GetObjectItemCaseSensitive(whose, "actor"), "id"), "u-2") == 0);
    cJSON_Delete(whose);

    cJSON *revoked = call(manager, "revokeApiKey", by_id);
    CHECK(strcmp(text(revoked, "id"), text(made, "id")) == 0);
    cJSON_Delete(revoked);
    sis_bytes result = {0};
    sis_error *error = NULL;
    CHECK(sis_manager_call(manager, sis_str_from("authenticateApiKey"), sis_str_from(shown), &result, &error) ==
          SIS_STATUS_UNAUTHENTICATED);
    CHECK(strstr(sis_error_json(error).data, text(made, "key")) == NULL);
    sis_error_free(error);

    cJSON *list = call(manager, "apiKeys", "{" SCHOOL "}");
    const cJSON *listed = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(list, "apiKeys"), 0);
    CHECK(strcmp(text(listed, "id"), text(made, "id")) == 0 && strlen(text(listed, "revokedAt")) > 0);
    CHECK(cJSON_GetObjectItemCaseSensitive(listed, "key") == NULL);
    cJSON_Delete(list);
    cJSON_Delete(made);
    CHECK(sis_manager_close(manager, 5000, NULL) == SIS_STATUS_OK);
    sis_manager_free(manager);
}

/* One recipient more than an alert takes. */
static void recipients(const char *options) {
    enum { TOO_MANY = 100001 };
    const char *before = "{" SCHOOL ",\"provider\":\"twilio\",\"operation\":\"sendEmergencyAlert\",\"arguments\":"
                         "{\"message\":\"Closed\",\"recipients\":[";
    const char *one = "{\"phone\":\"+15551234567\"},";
    const char *after = "]}}";
    char *request = malloc(strlen(before) + TOO_MANY * strlen(one) + strlen(after) + 1);
    CHECK(request != NULL);
    char *end = request + sprintf(request, "%s", before);
    for (int i = 0; i < TOO_MANY; i++, end += strlen(one)) memcpy(end, one, strlen(one));
    strcpy(end - 1, after);

    sis_manager *manager = NULL;
    CHECK(open_manager(options, &manager) == SIS_STATUS_OK);
    sis_bytes result = {0};
    sis_error *error = NULL;
    CHECK(sis_manager_execute(manager, sis_str_from(request), &result, &error) == SIS_STATUS_INVALID_ARGUMENT);
    CHECK(strcmp(sis_error_field(error).data, "recipients") == 0);
    CHECK(strstr(sis_error_message(error).data, "100000") != NULL);
    sis_error_free(error);
    free(request);
    CHECK(sis_manager_close(manager, 5000, NULL) == SIS_STATUS_OK);
    sis_manager_free(manager);
}

/* Writes until the storage refuses; answers how. A storage that is no good from the start refuses the opening. */
static sis_status until_refused(const char *options, sis_retry *retry) {
    sis_manager *manager = NULL;
    sis_status status = open_manager(options, &manager);
    if (status != SIS_STATUS_OK) return status;
    for (int i = 0; status == SIS_STATUS_OK && i < 5000; i++) {
        char request[256];
        sis_bytes result = {0};
        sis_error *error = NULL;
        snprintf(request, sizeof request,
                 "{" SCHOOL ",\"userId\":\"u-%d\",\"provider\":\"twilio\",\"permissions\":{\"allow\":[\"*\"]}}", i);
        status = sis_manager_grant(manager, sis_str_from(request), &result, &error);
        if (status != SIS_STATUS_OK) *retry = sis_error_retry(error);
        sis_bytes_free(&result);
        sis_error_free(error);
    }
    /* What it could not write it need not write now. */
    sis_manager_close(manager, 5000, NULL);
    sis_manager_free(manager);
    return status;
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    const char *what = arguments[1], *options = arguments[2];
    sis_retry retry = SIS_RETRY_NEVER;
    if (strcmp(what, "keys") == 0) {
        keys(options);
    } else if (strcmp(what, "recipients") == 0) {
        recipients(options);
    } else if (strcmp(what, "full") == 0) {
        CHECK(until_refused(options, &retry) == SIS_STATUS_STORAGE_FULL);
    } else if (strcmp(what, "corrupt") == 0) {
        CHECK(until_refused(options, &retry) == SIS_STATUS_STORAGE_CORRUPT && retry == SIS_RETRY_NEVER);
    } else if (strcmp(what, "locked") == 0) {
        CHECK(until_refused(options, &retry) == SIS_STATUS_STORAGE_UNAVAILABLE && retry == SIS_RETRY_AFTER);
    } else {
        CHECK(!"known");
    }
    printf("%s: ok\n", what);
    return 0;
}
