/* Channels of NOTIFY, as the triggers of sql/migrations/ and the files of sql/queries/ name them. Each wakes instances
 * that would otherwise look for such work only now and then. There is no payload. */
#ifndef KPID_ADAPTERS_PG_CHANNELS_H
#define KPID_ADAPTERS_PG_CHANNELS_H

#define CHANNEL_ALERT    "kpid_alert"    /* messages about alerts wait in kpid.outbox and kpid.notification */
#define CHANNEL_ACTION   "kpid_action"   /* alerts were acknowledged or silenced, or shared settings were changed */
#define CHANNEL_DEADLINE "kpid_deadline" /* a deadline waits for what other instances know of their partitions */

#endif
