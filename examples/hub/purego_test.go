//go:build purego

package main

const slowHash = true
