//go:build nosigstore

package main

const withoutSigstore = true
