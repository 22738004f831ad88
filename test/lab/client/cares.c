/* Looks up one name, as getaddrinfo.c does, with c-ares (which curl, Envoy and gRPC may use):
 *   cares FAMILY NAME */
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

static long start;

static long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void done(void *arg, int status, int timeouts, struct ares_addrinfo *res)
{
	const char *error = status == ARES_ENOTFOUND ? "EAI_NONAME" : status == ARES_ENODATA ? "EAI_NODATA" : "EAI_AGAIN";
	char text[INET6_ADDRSTRLEN];

	printf("%s %ld", status == ARES_SUCCESS ? "OK" : error, now() - start);
	for (struct ares_addrinfo_node *ai = res ? res->nodes : 0; ai; ai = ai->ai_next) {
		const void *addr = ai->ai_family == AF_INET
			? (void *)&((struct sockaddr_in *)ai->ai_addr)->sin_addr
			: (void *)&((struct sockaddr_in6 *)ai->ai_addr)->sin6_addr;
		printf(" %s", inet_ntop(ai->ai_family, addr, text, sizeof text));
	}
	putchar('\n');
	(void)arg, (void)timeouts;
}

int main(int argc, char **argv)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };
	ares_channel channel;

	if (argc != 3) return 2;
	if (argv[1][0] == '4') hints.ai_family = AF_INET;
	if (argv[1][0] == '6') hints.ai_family = AF_INET6;
	if (ares_library_init(ARES_LIB_INIT_ALL) || ares_init(&channel)) return 3;
	start = now();
	ares_getaddrinfo(channel, argv[2], 0, &hints, done, 0);
	for (;;) {
		fd_set readers, writers;
		struct timeval tv;
		FD_ZERO(&readers);
		FD_ZERO(&writers);
		int n = ares_fds(channel, &readers, &writers);
		if (n == 0) break;
		select(n, &readers, &writers, 0, ares_timeout(channel, 0, &tv));
		ares_process(channel, &readers, &writers);
	}
	ares_destroy(channel);
	return 0;
}
