//go:build !race

package hashing_test

const raceEnabled = false
