package largefile

import "syscall"

const flag = syscall.O_LARGEFILE
