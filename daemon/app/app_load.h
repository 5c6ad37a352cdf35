/* Loads the settings and policies of the application: stores them in the database, compares them with what is stored,
 * and brings them into force. */
#ifndef KPID_APP_APP_LOAD_H
#define KPID_APP_APP_LOAD_H

struct app;
struct kpid_config;

/* Sends the queries that store and load settings and policies on the control session, without a sync. Once policies are
 * loaded, app->next_policies and app->next_config come into force and are NULL. */
void app_query_load(struct app *app);
/* Frees what was to come into force. */
void app_drop_next(struct app *app);
/* Warns once if another instance has changed settings on which all must agree. */
void app_compare_settings(struct app *app);
/* Returns NULL after logging the errors. */
struct mappings *app_load_mappings(struct kpid_config *config);
/* Reads the configuration file again. Returns NULL after logging its errors. */
struct kpid_config *app_read_config(struct app *app);

#endif
