"""Runs a command in the network namespace it is started in, with the loopback device up and nothing else."""

import fcntl
import os
import socket
import struct
import sys

SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x1 | 0x40

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))
devices = [name for _, name in socket.if_nameindex()]
if devices != ["lo"]:
    sys.exit(f"this namespace has a network: {', '.join(devices)}")
os.execvp(sys.argv[1], sys.argv[1:])
