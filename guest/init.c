// SPDX-License-Identifier: MIT
/*
 * PID 1 of the virtual machine: prepares user space, runs one command, reports how it
 * ended and switches the machine off. README.md beside this file is the protocol.
 *
 * Nothing here may end the process: that would panic the kernel. A step that fails says
 * so on the console, and the command shows what it made of that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	COMMAND_MAX = 120 * 1024, /* one argument of execve holds 128 KiB */
	PORT_WAIT_MS = 2000,
	WRITE_WAIT_MS = 5000,
	MODULE_COMPRESSED = 4, /* MODULE_INIT_COMPRESSED_FILE */
};

static const char port_name[] = "org.kbuild.0";
static const char fw_cfg_command[] =
	"/sys/firmware/qemu_fw_cfg/by_name/opt/kbuild/cmd/raw";

static const struct {
	const char *type, *where, *options;
	unsigned long flags;
} mounts[] = {
	{"proc", "/proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"sysfs", "/sys", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
	{"devpts", "/dev/pts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC},
	{"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
	{"tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV},
	{"tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV},
	{"debugfs", "/sys/kernel/debug", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"tracefs", "/sys/kernel/tracing", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
};

/* What the kernel command line and fw_cfg ask for. */
struct request {
	char *cmdline;
	char *command; /* NULL: an interactive shell */
	char *cwd;
	char *report;
	int stdio_ports, stdin_port, tty, loglevel;
	unsigned short rows, columns;
};

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	dprintf(STDOUT_FILENO, "kbuild: ");
	vdprintf(STDOUT_FILENO, format, ap);
	dprintf(STDOUT_FILENO, "\n");
	va_end(ap);
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
		  NULL);
}

/* The whole file as text, at most max bytes; NULL if it cannot be read. */
static char *read_text(const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(max + 1);
	size_t used = 0;
	ssize_t n;

	while (text && used < max && (n = read(fd, text + used, max - used)) > 0)
		used += (size_t)n;
	if (text)
		text[used] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Turns %41 into A, in place. */
static char *percent_decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '%' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0) {
			*to++ = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return text;
}

static void make_dirs(const char *path)
{
	char *copy = strdup(path);

	for (char *p = copy + 1; copy && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(copy, 0755);
		*p = '/';
	}
	mkdir(path, 0755);
	free(copy);
}

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		const char *where = mounts[i].where;

		/* sysfs has the two mount points below it only if the kernel has them. */
		if (strncmp(where, "/sys/", 5) != 0)
			make_dirs(where);
		else if (access(where, F_OK) < 0)
			continue;
		if (mount(mounts[i].type, where, mounts[i].type, mounts[i].flags,
			  mounts[i].options) < 0 &&
		    errno != ENODEV && errno != EBUSY)
			say("cannot mount %s on %s: %s", mounts[i].type, where,
			    strerror(errno));
	}
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return; /* a kernel without networks */
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		say("cannot set lo up: %s", strerror(errno));
	close(fd);
}

/* A device of that number on the virtio bus: 3 is a console, 9 is 9p. */
static int has_virtio(unsigned int wanted)
{
	DIR *devices = opendir("/sys/bus/virtio/devices");
	struct dirent *entry;
	char path[300];
	int found = 0;

	while (devices && !found && (entry = readdir(devices))) {
		char *text;

		snprintf(path, sizeof(path), "/sys/bus/virtio/devices/%s/device",
			 entry->d_name);
		text = entry->d_name[0] == '.' ? NULL : read_text(path, 16);
		found = text && strtoul(text, NULL, 0) == wanted;
		free(text);
	}
	if (devices)
		closedir(devices);
	return found;
}

/* What a line of /etc/kbuild/drivers waits for. */
static int is_wanted(const char *when, const char *cmdline)
{
	if (strncmp(when, "virtio:", 7) == 0)
		return has_virtio((unsigned int)strtoul(when + 7, NULL, 10));
	if (strcmp(when, "overlay") == 0)
		return strstr(cmdline, ":overlay") != NULL;
	return 1;
}

/* One line of /etc/kbuild/modules: the path, then the parameters. */
static void load_module(char *line)
{
	char *path = strsep(&line, " \t");
	const char *params = line ? line : "";
	const char *suffix = strrchr(path, '.');
	int flags = suffix && strcmp(suffix, ".ko") != 0 ? MODULE_COMPRESSED : 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 ||
	    (syscall(SYS_finit_module, fd, params, flags) < 0 && errno != EEXIST))
		say("cannot load module %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void load_modules(void)
{
	char *list = read_text("/etc/kbuild/modules", 1 << 20);
	char *rest = list, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			load_module(line);
	free(list);
}

/* Buses come first in the list, so their devices are there when their turn comes. */
static void load_drivers(void)
{
	char *list = read_text("/etc/kbuild/drivers", 1 << 16);
	char *cmdline = read_text("/proc/cmdline", 64 * 1024);
	char *rest = list, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *when = strsep(&line, " ");

		if (line && is_wanted(when, cmdline ? cmdline : ""))
			load_module(line);
	}
	free(cmdline);
	free(list);
}

static int mount_share(const char *type, const char *tag, const char *where,
		       unsigned long flags)
{
	if (strcmp(type, "virtiofs") == 0)
		return mount(tag, where, type, flags, NULL);
	if (mount(tag, where, type, flags,
		  "trans=virtio,version=9p2000.L,msize=262144,cache=mmap") == 0)
		return 0;
	return mount(tag, where, type, flags,
		     "trans=virtio,version=9p2000.L,msize=262144");
}

/* Three folders below /run/kbuild/N: the share, what is written, and a work folder. */
static int mount_overlay(const char *type, const char *tag, const char *where, int n)
{
	char dir[64], path[3][96], options[320];

	snprintf(dir, sizeof(dir), "/run/kbuild/%d", n);
	make_dirs(dir);
	if (mount("tmpfs", dir, "tmpfs", 0, "mode=0755") < 0)
		return -1;
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"lower", "upper", "work"};

		snprintf(path[i], sizeof(path[i]), "%s/%s", dir, names[i]);
		mkdir(path[i], 0755);
	}
	if (mount_share(type, tag, path[0], MS_RDONLY) < 0)
		return -1;
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", path[0],
		 path[1], path[2]);
	return mount("overlay", where, "overlay", 0, options);
}

/* The n-th share: FSTYPE:TAG:MOUNTPOINT:MODE; a failure is kept in error. */
static void add_share(char *spec, int n, char error[256])
{
	const char *type = strsep(&spec, ":");
	const char *tag = spec ? percent_decode(strsep(&spec, ":")) : "";
	const char *where = spec ? percent_decode(strsep(&spec, ":")) : "";
	const char *mode = spec ? spec : "rw";
	int ret;

	if (*where != '/') {
		snprintf(error, 256, "kbuild.share: expected TYPE:TAG:/MOUNTPOINT:MODE");
		return;
	}
	make_dirs(where);
	if (strcmp(mode, "overlay") == 0)
		ret = mount_overlay(type, tag, where, n);
	else
		ret = mount_share(type, tag, where,
				  strcmp(mode, "ro") == 0 ? MS_RDONLY : 0);
	if (ret < 0)
		snprintf(error, 256, "cannot mount the share on %s (%s, %s): %s", where,
			 type, mode, strerror(errno));
}

/* Cuts the command line into words; values keep pointing into it. */
static void read_request(struct request *rq)
{
	char *rest, *word;

	rq->cmdline = read_text("/proc/cmdline", 64 * 1024);
	rest = rq->cmdline;
	while ((word = strsep(&rest, " \n"))) {
		char *value = strchr(word, '=');

		if (strncmp(word, "kbuild.", 7) != 0 || !value)
			continue;
		*value++ = '\0';
		word += 7;
		if (strcmp(word, "cmd") == 0)
			rq->command = percent_decode(value);
		else if (strcmp(word, "cwd") == 0)
			rq->cwd = percent_decode(value);
		else if (strcmp(word, "report") == 0)
			rq->report = value;
		else if (strcmp(word, "stdio") == 0)
			rq->stdio_ports = strcmp(value, "virtio") == 0;
		else if (strcmp(word, "stdin") == 0)
			rq->stdin_port = strcmp(value, "virtio") == 0;
		else if (strcmp(word, "tty") == 0)
			rq->tty = atoi(value);
		else if (strcmp(word, "loglevel") == 0)
			rq->loglevel = atoi(value);
		else if (strcmp(word, "term") == 0)
			setenv("TERM", percent_decode(value), 1);
		else if (strcmp(word, "env") == 0)
			putenv(percent_decode(value));
		else if (strcmp(word, "size") == 0)
			sscanf(value, "%hux%hu", &rq->rows, &rq->columns);
	}
}

/* Shares come after the modules, which may bring their drivers. */
static void add_shares(char error[256])
{
	char *cmdline = read_text("/proc/cmdline", 64 * 1024);
	char *rest = cmdline, *word;
	int n = 0;

	while ((word = strsep(&rest, " \n")))
		if (strncmp(word, "kbuild.share=", 13) == 0)
			add_share(word + 13, n++, error);
	free(cmdline);
}

/* There is no udev, so ports are found by name in sysfs. Opens /dev/vportNpM, or -1. */
static int open_named_port(const char *wanted, int flags)
{
	DIR *ports = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	char path[300];
	int fd = -1;

	while (ports && fd < 0 && (entry = readdir(ports))) {
		char *name, *number;
		unsigned int major, minor;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
			 entry->d_name);
		name = read_text(path, 64);
		if (name)
			name[strcspn(name, "\n")] = '\0';
		if (name && strcmp(name, wanted) == 0) {
			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/dev",
				 entry->d_name);
			number = read_text(path, 32);
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			if (number && sscanf(number, "%u:%u", &major, &minor) == 2)
				mknod(path, S_IFCHR | 0600, makedev(major, minor));
			fd = open(path, flags | O_CLOEXEC);
			free(number);
		}
		free(name);
	}
	if (ports)
		closedir(ports);
	return fd;
}

static int has_virtio_console(void)
{
	DIR *devices = opendir("/sys/bus/virtio/drivers/virtio_console");
	struct dirent *entry;
	int found = 0;

	while (devices && !found && (entry = readdir(devices)))
		found = strncmp(entry->d_name, "virtio", 6) == 0;
	if (devices)
		closedir(devices);
	return found;
}

/* A port's name arrives some time after its device. */
static int open_port(const char *name, int flags)
{
	for (int waited = 0;; waited += 5) {
		int fd = open_named_port(name, flags);

		if (fd >= 0 || !has_virtio_console() || waited >= PORT_WAIT_MS)
			return fd;
		sleep_ms(5);
	}
}

/* Where to report to, or -1. */
static int open_report(const struct request *rq)
{
	char path[64];

	if (rq->report) {
		snprintf(path, sizeof(path), "/dev/%s", rq->report);
		return open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	}
	return open_port(port_name, O_WRONLY | O_NONBLOCK);
}

/* Writes and drains one line; a channel that nobody reads must not hang the machine. */
static void report(int fd, const char *line)
{
	size_t left = strlen(line);

	while (left > 0) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		ssize_t n = write(fd, line, left);

		if (n > 0) {
			line += n;
			left -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return;
		} else if (poll(&ready, 1, WRITE_WAIT_MS) == 0) {
			return;
		}
	}
	tcdrain(fd);
}

/* /dev/console cannot be a controlling terminal; the device behind it can. */
static int open_terminal(void)
{
	char *active = read_text("/sys/class/tty/console/active", 256);
	char *last, path[300];
	int fd = -1;

	if (active) {
		active[strcspn(active, "\n")] = '\0';
		last = strrchr(active, ' ');
		snprintf(path, sizeof(path), "/dev/%s", last ? last + 1 : active);
		fd = open(path, O_RDWR);
	}
	free(active);
	return fd;
}

static void take_terminal(const struct request *rq)
{
	struct winsize size = {.ws_row = rq->rows, .ws_col = rq->columns};
	int fd;

	setsid();
	fd = open_terminal();
	if (fd < 0)
		return;
	ioctl(fd, TIOCSCTTY, 1);
	if (size.ws_row && size.ws_col)
		ioctl(fd, TIOCSWINSZ, &size);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* The command's own standard input, output and error, apart from the console. */
static void take_ports(const struct request *rq)
{
	int in = rq->stdin_port ? open_port("org.kbuild.stdin", O_RDONLY)
				: open("/dev/null", O_RDONLY);
	int out = open_port("org.kbuild.stdout", O_WRONLY);
	int err = open_port("org.kbuild.stderr", O_WRONLY);

	setsid();
	if (in < 0 || out < 0 || err < 0)
		say("cannot open the ports for the command: %s", strerror(errno));
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
}

/* Starts the command or a shell; returns its process, or -1. */
static pid_t start_command(const struct request *rq)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (rq->command && rq->stdio_ports)
		take_ports(rq);
	else
		take_terminal(rq);
	if (rq->command)
		execl("/bin/sh", "sh", "-c", rq->command, (char *)NULL);
	else
		execl("/bin/sh", "-sh", (char *)NULL);
	say("cannot run /bin/sh: %s", strerror(errno));
	_exit(127);
}

/* Reaps everything until the command itself has ended; its code as a shell gives it. */
static int wait_command(pid_t pid)
{
	int status;

	for (;;) {
		pid_t done = wait(&status);

		if (done < 0 && errno != EINTR)
			return 127;
		if (done == pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
						   : WEXITSTATUS(status);
	}
}

static void power_off(void)
{
	sync();
	sleep_ms(10); /* the host takes what a virtio port holds */
#if defined(__x86_64__) || defined(__i386__)
	/* Without ACPI a power-off is a halt, which QEMU never notices. */
	if (access("/sys/firmware/acpi", F_OK) < 0)
		reboot(RB_AUTOBOOT);
#endif
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void read_uptime(char uptime[32])
{
	char *text = read_text("/proc/uptime", 64);
	size_t len = text ? strspn(text, "0123456789.") : 0;

	snprintf(uptime, 32, "%.*s", (int)len, text ? text : "");
	free(text);
}

int main(void)
{
	struct request rq = {0};
	char uptime[32], line[300], error[256] = "", *command;
	int channel, code;

	umask(022);
	mount_all();
	read_uptime(uptime);
	read_request(&rq);
	sethostname("kbuild", 6);
	loopback_up();
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/root", 1);

	load_drivers();
	channel = open_report(&rq);
	say("boot %s s", uptime);
	snprintf(line, sizeof(line), "@kbuild-guest boot %s\n", uptime);
	if (channel >= 0)
		report(channel, line);
	load_modules();
	if (channel < 0) {
		channel = open_report(&rq); /* the driver may have been a module */
		report(channel < 0 ? STDOUT_FILENO : channel, line);
	}
	add_shares(error);
	command = read_text(fw_cfg_command, COMMAND_MAX);
	if (command)
		rq.command = command;
	else if (rq.command && strcmp(rq.command, "@fw_cfg") == 0 && !*error)
		snprintf(error, sizeof(error), "the command did not come by fw_cfg");
	if (rq.cwd && chdir(rq.cwd) < 0 && !*error)
		snprintf(error, sizeof(error), "cannot enter %s: %s", rq.cwd,
			 strerror(errno));
	if (*error) {
		snprintf(line, sizeof(line), "@kbuild-guest error %s\n", error);
		report(channel < 0 ? STDOUT_FILENO : channel, line);
		power_off();
	}
	if (rq.loglevel)
		klogctl(8, NULL, rq.loglevel);
	if (rq.command && !rq.stdio_ports && !rq.tty)
		dprintf(STDOUT_FILENO, "\n@kbuild-guest begin\n");
	code = wait_command(start_command(&rq));
	if (rq.command && !rq.stdio_ports && !rq.tty)
		dprintf(STDOUT_FILENO, "\n@kbuild-guest end\n");
	snprintf(line, sizeof(line), "@kbuild-guest exit %d\n", code);
	report(channel < 0 ? STDOUT_FILENO : channel, line);
	power_off();
}
