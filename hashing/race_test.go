//go:build race

package hashing_test

// raceEnabled says that this program uses several times the memory.
const raceEnabled = true
