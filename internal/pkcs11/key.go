package pkcs11

import (
	"errors"
	"fmt"
)

// ErrNoCgo says that the program was built without cgo, so that it can't load a module.
var ErrNoCgo = errors.New("PKCS #11 needs cgo, and this program was built without it (CGO_ENABLED=0)")

// ErrNoKey says that a URI does not name one private key that can sign.
var ErrNoKey = errors.New("no key to sign with")

// Options say which key to open, and how.
type Options struct {
	URI    *URI
	Module string // the file of the module, see [URI.Module]
	PIN    string // see [URI.PIN]
}

// CheckKey returns an error if the URI does not name one private key.
func (u *URI) CheckKey() error {
	switch {
	case u.Type.Given && u.Type.Value != "private":
		return fmt.Errorf("the PKCS #11 URI names an object of type %s, and signing takes a private key", u.Type.Value)
	case !u.ID.Given && !u.Object.Given:
		return errors.New("the PKCS #11 URI names no key: it needs object, id, or both")
	}
	return nil
}
