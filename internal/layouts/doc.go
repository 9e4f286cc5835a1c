// Package layouts tests signing and verifying of models in the layouts that the tools of the field make: each is built
// as its tool builds it, signed, verified, and then broken in the way that is typical for it.
package layouts
