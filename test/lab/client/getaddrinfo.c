/* Looks up one name and prints what getaddrinfo said:
 *   getaddrinfo FAMILY NAME     FAMILY is 0 (both), 4 or 6
 * One line: the error's name (OK if none), the milliseconds, then the addresses. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

static const char *name_of(int err)
{
	switch (err) {
	case 0: return "OK";
	case EAI_NONAME: return "EAI_NONAME";
	case EAI_NODATA: return "EAI_NODATA";
	case EAI_AGAIN: return "EAI_AGAIN";
	case EAI_FAIL: return "EAI_FAIL";
	case EAI_SYSTEM: return "EAI_SYSTEM";
	}
	return "EAI_OTHER";
}

static long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *res = 0, *ai;
	char text[INET6_ADDRSTRLEN];
	long start;
	int err;

	if (argc != 3) return 2;
	if (argv[1][0] == '4') hints.ai_family = AF_INET;
	if (argv[1][0] == '6') hints.ai_family = AF_INET6;
	start = now();
	err = getaddrinfo(argv[2], 0, &hints, &res);
	printf("%s %ld", name_of(err), now() - start);
	for (ai = res; ai; ai = ai->ai_next) {
		const void *addr = ai->ai_family == AF_INET
			? (void *)&((struct sockaddr_in *)ai->ai_addr)->sin_addr
			: (void *)&((struct sockaddr_in6 *)ai->ai_addr)->sin6_addr;
		printf(" %s", inet_ntop(ai->ai_family, addr, text, sizeof text));
	}
	putchar('\n');
	return 0;
}
