#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/top.h"
#include "kpid/base/clock.h"

static const char enter_screen[] = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
static const char leave_screen[] = "\x1b[0m\x1b[?25h\x1b[?1049l";

/* Global, because signal handlers need it. */
static struct {
	struct termios before;
	bool has_keys; /* standard input is a terminal; `before` has its settings */
	bool keys_ended;
	sigset_t waiting; /* signal mask while waiting: the one from before */
	volatile sig_atomic_t entered, resized, quit;
} screen;

/* Async-signal-safe. */
static void put(const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(STDOUT_FILENO, bytes, n);
		if (written <= 0)
			return;
		bytes += written;
		n -= (size_t)written;
	}
}

static void set_keys(bool raw)
{
	if (!screen.has_keys)
		return;
	struct termios settings = screen.before;
	if (raw) {
		settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		settings.c_cc[VMIN] = 1;
		settings.c_cc[VTIME] = 0;
	}
	tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

static void enter(void)
{
	set_keys(true);
	put(enter_screen, sizeof(enter_screen) - 1);
	screen.entered = 1;
}

static void leave(void)
{
	if (!screen.entered)
		return;
	screen.entered = 0;
	put(leave_screen, sizeof(leave_screen) - 1);
	set_keys(false);
}

/* A second signal ends the program even if a query hangs. */
static void on_end(int number)
{
	if (!screen.quit) {
		screen.quit = 1;
		return;
	}
	leave();
	signal(number, SIG_DFL);
	raise(number);
}

static void on_stop(int number)
{
	(void)number;
	leave();
	raise(SIGSTOP); /* continues here after SIGCONT */
	enter();
	screen.resized = 1;
}

static void on_resize(int number)
{
	(void)number;
	screen.resized = 1;
}

static void catch (int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	sigfillset(&action.sa_mask);
	sigdelset(&action.sa_mask, SIGCONT);
	if (handler == on_end)
		action.sa_flags = SA_NODEFER;
	sigaction(number, &action, NULL);
}

void top_screen_enter(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	screen.has_keys = isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &screen.before) == 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		catch (ends[i], on_end);
	catch (SIGTSTP, on_stop);
	catch (SIGWINCH, on_resize);
	enter();
}

void top_screen_leave(void)
{
	leave();
}

static bool quit_key_was_pressed(void)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
	for (ssize_t i = 0; i < n; i++)
		if (keys[i] == 'q' || keys[i] == 'Q')
			return true;
	if (n <= 0)
		screen.keys_ended = true;
	return false;
}

/* Returns what a handler noted. No signal is lost before the poll: they are blocked, and ppoll() unblocks them. */
static enum top_key noted(void)
{
	if (screen.quit)
		return TOP_QUIT;
	if (!screen.resized)
		return TOP_TICK;
	screen.resized = 0;
	return TOP_RESIZED;
}

enum top_key top_screen_wait(int64_t wait_us)
{
	int64_t until_us = monotonic_clock_us() + wait_us;
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &screen.waiting);
	enum top_key key = noted();
	for (int64_t left_us; key == TOP_TICK && (left_us = until_us - monotonic_clock_us()) > 0; key = noted()) {
		struct timespec timeout = {left_us / US_PER_SECOND, left_us % US_PER_SECOND * 1000};
		struct pollfd keys = {screen.has_keys && !screen.keys_ended ? STDIN_FILENO : -1, POLLIN, 0};
		if (ppoll(&keys, 1, &timeout, &screen.waiting) == 1 && quit_key_was_pressed()) {
			key = TOP_QUIT;
			break;
		}
	}
	sigprocmask(SIG_SETMASK, &screen.waiting, NULL);
	return key;
}
