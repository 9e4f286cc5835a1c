//go:build !purego

package main

const slowHash = false
