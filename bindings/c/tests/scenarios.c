/*
 * Runs the scenario files given as arguments against the sandbox, as tests/scenarios/README.md says.
 *
 * The sandbox stands in SIS_SANDBOX_TWILIO_URL, SIS_SANDBOX_TWILIO_ACCOUNT_SID and so on.
 * JSON is read by cJSON (Debian: libcjson-dev).
 */
#define _POSIX_C_SOURCE 200809L

#include <cjson/cJSON.h>
#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sis_integrations.h"

static const char *OPTIONS = "{\"storage\":\"memory\",\"allowPrivateAddresses\":true,\"masterKey\":"
                             "\"00112233445566778899aabbccddeeff102132435465768798a9babbdcddedfe\"}";

static void die(const char *what, const char *detail) {
    fprintf(stderr, "%s: %s\n", what, detail);
    exit(2);
}

static void *checked(void *memory) {
    if (memory == NULL) die("out of memory", "");
    return memory;
}

static cJSON *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) die("cannot open", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = checked(malloc((size_t)size + 1));
    if (fread(text, 1, (size_t)size, file) != (size_t)size) die("cannot read", path);
    text[size] = '\0';
    fclose(file);
    cJSON *json = cJSON_Parse(text);
    if (json == NULL) die("not JSON", path);
    free(text);
    return json;
}

/* `text` with every ${name} replaced by its value in `names`. The caller frees it. */
static char *fill_text(const char *text, const cJSON *names) {
    size_t room = strlen(text) + 1;
    for (const cJSON *name = names->child; name != NULL; name = name->next) {
        room += strlen(name->valuestring) * (1 + strlen(text) / 4);
    }
    char *filled = checked(malloc(room));
    char *end = filled;
    while (*text != '\0') {
        const cJSON *found = NULL;
        if (text[0] == '$' && text[1] == '{') {
            for (const cJSON *name = names->child; name != NULL && found == NULL; name = name->next) {
                size_t length = strlen(name->string);
                if (strncmp(text + 2, name->string, length) == 0 && text[2 + length] == '}') found = name;
            }
        }
        if (found != NULL) {
            end = stpcpy(end, found->valuestring);
            text += strlen(found->string) + 3;
        } else {
            *end++ = *text++;
        }
    }
    *end = '\0';
    return filled;
}

/* A copy of `json` with every string filled. The caller deletes it. */
static cJSON *fill(const cJSON *json, const cJSON *names) {
    if (cJSON_IsString(json)) {
        char *text = fill_text(json->valuestring, names);
        cJSON *string = cJSON_CreateString(text);
        free(text);
        return string;
    }
    if (!cJSON_IsObject(json) && !cJSON_IsArray(json)) return cJSON_Duplicate(json, true);
    bool is_object = cJSON_IsObject(json);
    cJSON *copy = is_object ? cJSON_CreateObject() : cJSON_CreateArray();
    for (const cJSON *child = json->child; child != NULL; child = child->next) {
        if (is_object) cJSON_AddItemToObject(copy, child->string, fill(child, names));
        else cJSON_AddItemToArray(copy, fill(child, names));
    }
    return copy;
}

/* What stands at a JSON pointer (RFC 6901); NULL when nothing does. */
static const cJSON *at(const cJSON *json, const char *pointer) {
    while (json != NULL && *pointer == '/') {
        char name[256];
        size_t length = 0;
        for (pointer++; *pointer != '\0' && *pointer != '/'; pointer++) {
            if (length + 1 == sizeof name) die("pointer too long", pointer);
            if (pointer[0] == '~' && (pointer[1] == '0' || pointer[1] == '1')) {
                pointer++;
                name[length++] = *pointer == '0' ? '~' : '/';
            } else {
                name[length++] = *pointer;
            }
        }
        name[length] = '\0';
        if (cJSON_IsArray(json)) {
            char *end;
            long index = strtol(name, &end, 10);
            json = *end == '\0' && length > 0 ? cJSON_GetArrayItem(json, (int)index) : NULL;
        } else {
            json = cJSON_GetObjectItemCaseSensitive(json, name);
        }
    }
    return json;
}

static bool matches(const char *pattern, const cJSON *value) {
    regex_t regex;
    if (!cJSON_IsString(value)) return false;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) die("not a regular expression", pattern);
    bool found = regexec(&regex, value->valuestring, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool has_members(const cJSON *object, const cJSON *members) {
    for (const cJSON *member = members->child; member != NULL; member = member->next) {
        if (!cJSON_Compare(cJSON_GetObjectItemCaseSensitive(object, member->string), member, true)) return false;
    }
    return true;
}

static bool holds(const cJSON *value, const cJSON *expected) {
    if (!cJSON_IsObject(expected)) return cJSON_Compare(value, expected, true);
    const cJSON *matcher = expected->child;
    if (matcher == NULL || matcher->next != NULL) die("not a matcher", expected->string);
    if (strcmp(matcher->string, "matches") == 0) return matches(matcher->valuestring, value);
    if (strcmp(matcher->string, "exists") == 0) return (value != NULL) == cJSON_IsTrue(matcher);
    if (strcmp(matcher->string, "contains") == 0) {
        const cJSON *item = cJSON_IsArray(value) ? value->child : NULL;
        for (; item != NULL; item = item->next) {
            if (has_members(item, matcher)) return true;
        }
        return false;
    }
    die("no such matcher", matcher->string);
    return false;
}

/* Checks every pointer of `expectations` in `answer`; prints what does not hold. */
static bool check(const cJSON *answer, const cJSON *expectations) {
    bool good = true;
    if (expectations == NULL) return true;
    for (const cJSON *expected = expectations->child; expected != NULL; expected = expected->next) {
        if (holds(at(answer, expected->string), expected)) continue;
        char *wanted = cJSON_PrintUnformatted(expected);
        char *got = cJSON_PrintUnformatted(answer);
        printf("    %s is not %s in %s\n", expected->string, wanted, got);
        cJSON_free(wanted);
        cJSON_free(got);
        good = false;
    }
    return good;
}

static sis_status call(const sis_manager *manager, const char *function, const char *request, sis_bytes *result,
                       sis_error **error) {
    sis_str json = sis_str_from(request);
    if (strcmp(function, "execute") == 0) return sis_manager_execute(manager, json, result, error);
    if (strcmp(function, "configure") == 0) return sis_manager_configure(manager, json, result, error);
    if (strcmp(function, "setPermissions") == 0) return sis_manager_grant(manager, json, result, error);
    return sis_manager_call(manager, sis_str_from(function), json, result, error);
}

static bool same(sis_str text, const cJSON *json) {
    const char *other = cJSON_IsString(json) ? json->valuestring : "";
    return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0;
}

/* The accessors answer what the error's JSON holds. */
static bool accessors_agree(const sis_error *error, sis_status status, const cJSON *json) {
    static const char *RETRY[] = {"never", "after", "exhausted", "unknown"};
    const cJSON *wait = at(json, "/retryAfterMs");
    return sis_error_code(error) == status && (double)status == at(json, "/number")->valuedouble &&
           same(sis_error_name(error), at(json, "/code")) && same(sis_status_name(status), at(json, "/code")) &&
           same(sis_error_message(error), at(json, "/message")) && same(sis_error_field(error), at(json, "/field")) &&
           same(sis_error_request_id(error), at(json, "/requestId")) &&
           strcmp(RETRY[sis_error_retry(error)], at(json, "/retry")->valuestring) == 0 &&
           (double)sis_error_retry_after_ms(error) == (wait == NULL ? 0 : wait->valuedouble);
}

static bool run_step(const sis_manager *manager, const cJSON *step, cJSON *names) {
    cJSON *filled = fill(step, names);
    char *request = cJSON_PrintUnformatted(cJSON_GetObjectItem(filled, "request"));
    const cJSON *wanted_error = cJSON_GetObjectItem(filled, "error");
    sis_bytes result = {0};
    sis_error *error = NULL;
    sis_status status = call(manager, cJSON_GetObjectItem(filled, "do")->valuestring, request, &result, &error);
    bool good;

    if (status == SIS_STATUS_OK) {
        good = wanted_error == NULL && error == NULL;
        if (!good) printf("    should have failed, and answered %s\n", result.data);
        cJSON *answer = checked(cJSON_ParseWithLength(result.data, result.len));
        good = check(answer, cJSON_GetObjectItem(filled, "expect")) && good;
        const cJSON *captures = cJSON_GetObjectItem(filled, "capture");
        for (const cJSON *capture = captures ? captures->child : NULL; capture != NULL; capture = capture->next) {
            const cJSON *value = at(answer, capture->valuestring);
            if (!cJSON_IsString(value)) die("nothing to capture at", capture->valuestring);
            cJSON_DeleteItemFromObjectCaseSensitive(names, capture->string);
            cJSON_AddStringToObject(names, capture->string, value->valuestring);
        }
        cJSON_Delete(answer);
        sis_bytes_free(&result);
    } else {
        sis_str text = sis_error_json(error);
        cJSON *json = checked(cJSON_ParseWithLength(text.data, text.len));
        good = wanted_error != NULL && result.data == NULL;
        if (!good) printf("    failed: %s\n", text.data);
        good = check(json, wanted_error) && good;
        if (!accessors_agree(error, status, json)) {
            printf("    the accessors disagree with %s\n", text.data);
            good = false;
        }
        cJSON_Delete(json);
        sis_error_free(error);
    }
    cJSON_free(request);
    cJSON_Delete(filled);
    return good;
}

/* What scenarios call ${twilioUrl} and so on: SIS_SANDBOX_TWILIO_URL, in camelCase. */
static void add_sandbox(cJSON *names) {
    static const char prefix[] = "SIS_SANDBOX_";
    extern char **environ;
    for (char **variable = environ; *variable != NULL; variable++) {
        const char *end = strchr(*variable, '=');
        if (end == NULL || strncmp(*variable, prefix, sizeof prefix - 1) != 0) continue;
        char name[128];
        size_t length = 0;
        bool capital = false;
        for (const char *at = *variable + sizeof prefix - 1; at < end && length + 1 < sizeof name; at++) {
            if (*at == '_') {
                capital = true;
                continue;
            }
            name[length++] = (char)(capital ? *at : tolower((unsigned char)*at));
            capital = false;
        }
        name[length] = '\0';
        cJSON_AddStringToObject(names, name, end + 1);
    }
}

static bool run_file(const sis_manager *manager, const char *path, int number) {
    char tenant[64], other[80];
    snprintf(tenant, sizeof tenant, "c-%ld-%ld-%d", (long)time(NULL), (long)getpid(), number);
    /* In letters: a long number might be taken for a card's. */
    for (char *at = tenant; *at; at++) {
        if (*at >= '0' && *at <= '9')
            *at = (char)(*at - '0' + 'a');
    }
    snprintf(other, sizeof other, "%s-other", tenant);
    cJSON *names = cJSON_CreateObject();
    cJSON_AddStringToObject(names, "tenant", tenant);
    cJSON_AddStringToObject(names, "otherTenant", other);
    add_sandbox(names);

    cJSON *scenario = read_file(path);
    const cJSON *steps = cJSON_GetObjectItem(scenario, "steps");
    if (cJSON_GetArraySize(steps) == 0) die("no steps", path);
    printf("%s\n", cJSON_GetObjectItem(scenario, "name")->valuestring);
    bool good = true;
    int count = 0;
    for (const cJSON *step = steps->child; step != NULL && good; step = step->next) {
        count++;
        good = run_step(manager, step, names);
        if (!good) printf("  step %d (%s) of %s\n", count, cJSON_GetObjectItem(step, "do")->valuestring, path);
    }
    if (good) printf("  %d steps ok\n", count);
    cJSON_Delete(scenario);
    cJSON_Delete(names);
    return good;
}

int main(int argc, char **argv) {
    sis_manager *manager = NULL;
    sis_error *error = NULL;
    if (argc < 2) die("usage", "scenarios FILE...");
    if (sis_manager_open(sis_str_from(OPTIONS), &manager, &error) != SIS_STATUS_OK) {
        die("cannot open", sis_error_json(error).data);
    }
    int failed = 0;
    for (int i = 1; i < argc; i++) failed += !run_file(manager, argv[i], i);
    if (sis_manager_close(manager, 10000, &error) != SIS_STATUS_OK) die("cannot close", sis_error_json(error).data);
    sis_manager_free(manager);
    printf("%d scenarios, %d failed\n", argc - 1, failed);
    return failed == 0 ? 0 : 1;
}
