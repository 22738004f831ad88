# Looks up one name, as getaddrinfo.c does, with Python: python3 lookup.py FAMILY NAME
import socket
import sys
import time

families = {"0": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}
names = {value: name for name, value in vars(socket).items() if name.startswith("EAI_")}
start = time.monotonic()
error, found = "OK", []
try:
    found = socket.getaddrinfo(sys.argv[2], None, families[sys.argv[1]], socket.SOCK_STREAM)
except socket.gaierror as e:
    error = names[e.errno]
print(error, int((time.monotonic() - start) * 1000), *(address[0] for *_, address in found))
