/* How an agent speaks: commands and events, one JSON object a line (tests/src/bin/agent.rs has the table). Only what the
 * harness writes is read: no nesting, no escapes beyond \" and \\. */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Nanoseconds of CLOCK_BOOTTIME. */
static inline long long now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_BOOTTIME, &at);
    return (long long)at.tv_sec * 1000000000 + at.tv_nsec;
}

/* Where the value of a field begins, or NULL. */
static inline const char *value_of(const char *line, const char *field)
{
    char quoted[64];
    const char *at;
    snprintf(quoted, sizeof quoted, "\"%s\":", field);
    at = strstr(line, quoted);
    return at == NULL ? NULL : at + strlen(quoted);
}

/* A text field; empty when it is not there. */
static inline void text_of(const char *line, const char *field, char *text, size_t size)
{
    const char *at = value_of(line, field);
    size_t n = 0;
    if (at != NULL && *at == '"')
        for (at++; *at != 0 && *at != '"' && n + 1 < size; at++) {
            if (*at == '\\' && at[1] != 0)
                at++;
            text[n++] = *at;
        }
    text[n] = 0;
}

/* A number field; 0 when it is not there. */
static inline long long number_of(const char *line, const char *field)
{
    const char *at = value_of(line, field);
    return at == NULL ? 0 : strtoll(at, NULL, 10);
}

/* A text as JSON writes it. Static: for one use in a line. */
static inline const char *quoted(const char *text)
{
    static char out[4096];
    size_t n = 0;
    out[n++] = '"';
    for (; text != NULL && *text != 0 && n + 3 < sizeof out; text++) {
        if (*text == '"' || *text == '\\')
            out[n++] = '\\';
        out[n++] = (unsigned char)*text < 0x20 ? ' ' : *text;
    }
    out[n++] = '"';
    out[n] = 0;
    return out;
}

/* The kind of a failure, by the name it has in Rust. */
static inline const char *kind_of(int status)
{
    static const char *const kinds[] = {
        "Ok",        "InvalidArgument", "NotFound",        "AlreadyExists",    "Conflict",          "NotAcquired", "Lost",
        "Compacted", "DeadlineExceeded", "Cancelled",      "Unavailable",      "Unauthenticated",   "PermissionDenied",
        "ResourceExhausted", "Unsupported", "Closed",      "WrongContext",     "Internal",          "Malformed",
        "ReadOnly",
    };
    return status >= 0 && status < 20 ? kinds[status] : "Unknown";
}

#endif
