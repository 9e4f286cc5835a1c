//go:build !nosigstore

package main

const withoutSigstore = false
