// Package largefile has a flag that 32-bit programs need.
package largefile

// Flag is to be among those that [os.Root.OpenFile] is given. On 32-bit Linux it lets a file have more than 2 GiB; [os.OpenFile]
// adds it by itself, a root does not (Go 1.26). Elsewhere it is 0.
const Flag = flag
