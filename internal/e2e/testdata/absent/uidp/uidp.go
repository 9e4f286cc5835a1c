// Package uidp stands for a package of which a test of Fulcio's, and nothing else here, has need. The module that
// holds it cannot be downloaded everywhere, and go mod tidy wants to look into it. It is never compiled into
// anything.
package uidp
