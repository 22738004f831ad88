/* Looks up a name as programs do: getaddrinfo with no hints but the family (4, 6 or 0 for both).
 * Prints a line for each address, or one with the name of the error. */
#define _GNU_SOURCE
#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static const char *error_name(int err)
{
	switch (err) {
	case EAI_NONAME: return "EAI_NONAME";
	case EAI_AGAIN:  return "EAI_AGAIN";
	case EAI_FAIL:   return "EAI_FAIL";
	case EAI_SYSTEM: return "EAI_SYSTEM";
	case -5:         return "EAI_NODATA"; /* hidden by feature macros on some systems */
	}
	return gai_strerror(err);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: getaddrinfo 0|4|6 NAME\n");
		return 2;
	}
	int family = atoi(argv[1]);
	struct addrinfo hints = {
		.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list;
	int err = getaddrinfo(argv[2], NULL, &hints, &list);
	if (err) {
		puts(error_name(err));
		return 0;
	}
	for (struct addrinfo *a = list; a; a = a->ai_next) {
		char text[INET6_ADDRSTRLEN];
		void *addr = a->ai_family == AF_INET
			? (void *)&((struct sockaddr_in *)a->ai_addr)->sin_addr
			: (void *)&((struct sockaddr_in6 *)a->ai_addr)->sin6_addr;
		puts(inet_ntop(a->ai_family, addr, text, sizeof text));
	}
	freeaddrinfo(list);
	return 0;
}
