/* The file of policies, for commands. */
#ifndef KPID_CLI_POLICY_FILE_H
#define KPID_CLI_POLICY_FILE_H

#include <stdbool.h>

#include "kpid/config.h"
#include "kpid/core/policy.h"

/* strict: what is legal but surely not meant is a fault, too. NULL with at least one fault more. Warnings of a file,
 * with or without faults, are added to warnings; NULL: they are dropped. */
struct policy_set *policy_file_read(const char *path, bool strict, struct config_faults *faults,
                                    struct config_faults *warnings);

#endif
