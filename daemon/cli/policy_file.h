/* Reads a policy file for a command. */
#ifndef KPID_CLI_POLICY_FILE_H
#define KPID_CLI_POLICY_FILE_H

#include <stdbool.h>

#include "kpid/config.h"
#include "kpid/core/policy.h"

/* strict: policies that are legal but surely not intended are errors, too. Returns NULL after adding at least one
 * error. Warnings are added in both cases; NULL: they are dropped. */
struct policy_set *policy_file_read(const char *path, bool strict, struct config_errors *errors,
                                    struct config_errors *warnings);

#endif
