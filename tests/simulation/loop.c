/* Replaces libevent, the clock, and processes. Planned actions happen one by one in the order of their times. A
 * process is kafka_feed_run() on a stack of its own, which is suspended while the loop "runs". */
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "app/kafka_feed.h"
#include "kpid/base/memory.h"
#include "sim.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

enum { MOST_INSTANCES = 3, STACK_BYTES = 512 * 1024 };

#define MONOTONIC_ORIGIN_US (INT64_C(1700000000) * US_PER_SECOND)

struct sim_plan {
	int64_t due_us;
	uint64_t no; /* order of planning, among plans of the same time */
	struct sim_instance *instance;
	void (*fn)(void *context);
	void *context;
	bool cancelled;
};

struct event_base {
	struct sim_instance *instance;
	bool broken;
};

struct event {
	struct event_base *base;
	event_callback_fn fn;
	void *context;
	short kinds;
	int signal_no;
	struct sim_plan *plan; /* NULL: not pending */
};

struct place { /* a stack, and the process on it */
	char *stack;
	ucontext_t context, back;
	struct sim_instance *instance;
	struct kpid_config *config;
	void *fake_stack, *fake_back;
	const void *back_bottom;
	size_t back_size;
	bool running;
};

static struct place places[MOST_INSTANCES];
static struct place *entered;
static struct sim_instance *current;
static int64_t now_us;
static struct sim_plan **heap;
static size_t n_heap, heap_capacity;
static uint64_t next_no;

int64_t sim_now_us(void)
{
	return now_us;
}

void sim_spend(int64_t us)
{
	now_us += us;
}

struct sim_instance *sim_current(void)
{
	return current;
}

/* ---- plans: a binary heap ---- */

static bool before(const struct sim_plan *a, const struct sim_plan *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->no < b->no;
}

static void push(struct sim_plan *plan)
{
	heap = mem_grow(heap, &heap_capacity, n_heap + 1, sizeof(struct sim_plan *));
	size_t at = n_heap++;
	for (; at > 0 && before(plan, heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = plan;
}

static struct sim_plan *pop(void)
{
	struct sim_plan *first = heap[0], *last = heap[--n_heap];
	size_t at = 0;
	for (size_t child; (child = at * 2 + 1) < n_heap; at = child) {
		if (child + 1 < n_heap && before(heap[child + 1], heap[child]))
			child++;
		if (!before(heap[child], last))
			break;
		heap[at] = heap[child];
	}
	heap[at] = last;
	return first;
}

struct sim_plan *sim_after(int64_t delay_us, struct sim_instance *instance, void (*fn)(void *context), void *context)
{
	struct sim_plan *plan = sim_alloc(sizeof(*plan));
	*plan = (struct sim_plan){now_us + delay_us, next_no++, instance, fn, context, false};
	push(plan);
	return plan;
}

void sim_cancel(struct sim_plan *plan)
{
	if (plan != NULL)
		plan->cancelled = true;
}

/* ---- processes ---- */

static void switch_begins(void **fake_save, const void *bottom, size_t size)
{
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(fake_save, bottom, size);
#else
	(void)fake_save, (void)bottom, (void)size;
#endif
}

static void switch_ended(void *fake_save, const void **bottom_out, size_t *size_out)
{
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(fake_save, bottom_out, size_out);
#else
	(void)fake_save, (void)bottom_out, (void)size_out;
#endif
}

static void enter(struct place *place)
{
	struct place *outer = entered;
	struct sim_instance *outer_current = current;
	entered = place;
	current = place->instance;
	switch_begins(&place->fake_back, place->stack, STACK_BYTES);
	swapcontext(&place->back, &place->context);
	switch_ended(place->fake_back, NULL, NULL);
	entered = outer;
	current = outer_current;
}

static void leave(struct place *place, bool for_good)
{
	switch_begins(for_good ? NULL : &place->fake_stack, place->back_bottom, place->back_size);
	swapcontext(&place->context, &place->back);
	switch_ended(place->fake_stack, &place->back_bottom, &place->back_size);
}

static void process(void)
{
	struct place *place = entered;
	switch_ended(NULL, &place->back_bottom, &place->back_size);
	struct config_errors faults = CONFIG_ERRORS_INIT;
	struct receivers *receivers = receivers_load(NULL, &faults);
	config_errors_release(&faults);
	int status = kafka_feed_run(place->config, receivers, &(struct kafka_feed_order){.path = NULL});
	if (status != 0 && !place->instance->crashing)
		sim_fail("%s ended with %d", place->instance->name, status);
	place->instance->dead = true;
	place->running = false;
	leave(place, true);
}

struct sim_instance *sim_instance_start(int index, struct kpid_config *config)
{
	struct place *place = &places[index];
	if (place->stack == NULL)
		place->stack = mem_alloc(STACK_BYTES);
	place->instance = sim_alloc(sizeof(*place->instance));
	place->instance->index = index;
	place->instance->name = config->run.instance;
	place->config = config;
	place->running = true;
	getcontext(&place->context);
	place->context.uc_stack.ss_sp = place->stack;
	place->context.uc_stack.ss_size = STACK_BYTES;
	place->context.uc_link = NULL;
	makecontext(&place->context, process, 0);
	sim_counts.starts++;
	sim_trace("%s starts", place->instance->name);
	enter(place);
	return place->instance;
}

/* Its loop was broken: it returns from event_base_dispatch(). */
static void go_on_if_broken(struct sim_instance *instance)
{
	if (instance != NULL && !instance->dead && instance->base->broken)
		enter(&places[instance->index]);
}

void sim_instance_crash(struct sim_instance *instance)
{
	if (instance->dead)
		return;
	instance->crashing = true;
	instance->base->broken = true;
	go_on_if_broken(instance);
}

void sim_instance_terminate(struct sim_instance *instance)
{
	struct sim_instance *outer = current;
	if (instance->dead || instance->on_signal == NULL)
		return;
	current = instance;
	instance->on_signal(15, EV_SIGNAL, instance->signal_context);
	current = outer;
	go_on_if_broken(instance);
}

/* ---- the loop ---- */

void sim_loop_start(int64_t at_us)
{
	now_us = at_us;
	n_heap = 0;
	next_no = 0;
	current = NULL;
}

void sim_loop(bool (*done)(void))
{
	while (n_heap > 0 && !sim_failed() && !done()) {
		struct sim_plan *plan = pop();
		if (plan->cancelled || (plan->instance != NULL && plan->instance->dead))
			continue;
		if (plan->due_us > now_us) /* else it was due while other code ran */
			now_us = plan->due_us;
		if (plan->instance != NULL && plan->instance->frozen_until_us > now_us) {
			/* Everything that has waited is ready at once, in any order. */
			plan->due_us = plan->instance->frozen_until_us + sim_between(0, 200);
			push(plan);
			continue;
		}
		sim_counts.steps++;
		current = plan->instance;
		plan->fn(plan->context);
		current = NULL;
		go_on_if_broken(plan->instance);
	}
}

void sim_loop_release(void)
{
	for (int i = 0; i < MOST_INSTANCES; i++) {
		if (places[i].running)
			sim_instance_crash(places[i].instance);
		free(places[i].stack);
		places[i].stack = NULL;
	}
	free(heap);
	heap = NULL;
	n_heap = heap_capacity = 0;
}

/* ---- libevent, as far as the daemon uses it ---- */

struct event_base *event_base_new(void)
{
	struct event_base *base = mem_zalloc(sizeof(*base));
	base->instance = current;
	current->base = base;
	return base;
}

void event_base_free(struct event_base *base)
{
	free(base);
}

int event_base_dispatch(struct event_base *base)
{
	while (!base->broken)
		leave(&places[base->instance->index], false);
	return 0;
}

int event_base_loopbreak(struct event_base *base)
{
	base->broken = true;
	return 0;
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short kinds, event_callback_fn fn, void *context)
{
	struct event *event = mem_zalloc(sizeof(*event));
	*event = (struct event){base, fn, context, kinds, fd, NULL};
	if (kinds & EV_SIGNAL && fd == 15) {
		base->instance->on_signal = fn;
		base->instance->signal_context = context;
	}
	return event;
}

static void happen(void *context)
{
	struct event *event = context;
	event->plan = NULL;
	event->fn(-1, EV_TIMEOUT, event->context);
}

int event_add(struct event *event, const struct timeval *timeout)
{
	if (timeout == NULL)
		return 0;
	/* A timer is late by as much as the machine is busy. */
	int64_t late_us = sim_chance(50) ? sim_between(0, 20000) : sim_between(0, 300);
	sim_cancel(event->plan);
	event->plan = sim_after(timeout->tv_sec * US_PER_SECOND + timeout->tv_usec + late_us, event->base->instance,
	                        happen, event);
	return 0;
}

int event_del(struct event *event)
{
	sim_cancel(event->plan);
	event->plan = NULL;
	return 0;
}

void event_free(struct event *event)
{
	event_del(event);
	free(event);
}

void event_active(struct event *event, int what, short n_calls)
{
	(void)what, (void)n_calls;
	if (event->plan == NULL)
		event->plan = sim_after(sim_between(0, 100), event->base->instance, happen, event);
}

int event_pending(const struct event *event, short kinds, struct timeval *timeout)
{
	(void)kinds, (void)timeout;
	return event->plan != NULL;
}

/* ---- other calls of the operating system ---- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
pid_t __wrap_getpid(void);
void __wrap_hash_seed(uint64_t seed);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int64_t us = now_us;
	if (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)
		us -= MONOTONIC_ORIGIN_US;
	else if (current != NULL)
		us += current->wall_offset_us;
	now->tv_sec = us / US_PER_SECOND;
	now->tv_nsec = us % US_PER_SECOND * 1000;
	return 0;
}

pid_t __wrap_getpid(void)
{
	return 1;
}

/* The same for all processes: one that starts must not change the tables of another. */
void __wrap_hash_seed(uint64_t seed)
{
	(void)seed;
}
