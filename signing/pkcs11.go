package signing

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/keys"
	"github.com/modelsigning/modelsigning/internal/pkcs11"
)

// ErrPIN says that a PKCS #11 token refused the PIN, or is locked. In one process, a PIN that a token refused is
// not sent to it again before another one was right, since tokens lock after a few wrong ones.
var ErrPIN = pkcs11.ErrPIN

// ErrNoPIN says that a PKCS #11 token needs a PIN, and that neither the URI nor [PKCS11] gives one.
var ErrNoPIN = pkcs11.ErrNoPIN

// ErrNoKey says that a PKCS #11 URI does not name one private key that can sign: none or several on the token match,
// several tokens do, or the key is of another kind than those that [PKCS11] lists or lacks its public key. That no
// token matches is another error, since it may not be plugged in.
var ErrNoKey = pkcs11.ErrNoKey

// A PKCS11 says which key signs: one on P-256, P-384 or P-521 on a token of a PKCS #11 module, which is a
// hardware security module, a smart card or a cloud's key store.
//
// Modules are C libraries. In a program that is built without cgo, methods that take this type keep an error
// that says so.
type PKCS11 struct {
	// URI names module, token and key (RFC 7512), such as
	//
	//	pkcs11:token=release;object=finbert?module-name=softhsm2&pin-source=/etc/release.pin
	//
	// The module: module-path, an absolute path of a file, or of a directory that has module-name; or
	// module-name alone, which is looked for in ModulePaths and in the directories where systems keep modules.
	//
	// The token: token (its label), slot-id, serial, manufacturer, model, slot-manufacturer,
	// slot-description; library-manufacturer, library-description and library-version must fit the module.
	// All that is given must match, and one token only.
	//
	// The key: object (its label), id, or both. One private key only may match.
	//
	// The PIN: pin-source, a file by an absolute path or a file: URI, without the newline at its end; or
	// pin-value, which other users of the machine may see if it is on a command line.
	URI string
	// ModulePaths are directories to look for module-name in, before those of the system.
	ModulePaths []string
	// PIN is the user's PIN, for URIs that have none. It may be empty for tokens that need none or that have
	// a keypad.
	PIN string
}

// Format prints the options without the PIN, for all verbs.
func (o PKCS11) Format(f fmt.State, _ rune) { formatPKCS11(f, o.URI, o.PIN) }

// LogValue is the options without the PIN.
func (o PKCS11) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

func formatPKCS11(w io.Writer, uri, pin string) {
	fmt.Fprint(w, "{", pkcs11.Redact(uri))
	if pin != "" {
		fmt.Fprint(w, " PIN:…")
	}
	fmt.Fprint(w, "}")
}

// UsePKCS11Signer signs with a key on a PKCS #11 token. URI, PIN file and module's file are looked at at once;
// [Configuration.Err] tells if that did not work. The bundle names the public key by its hash and is verified
// like those of [Configuration.UseEllipticKeySigner].
//
// The token is opened, the PIN checked and the key found before the model is hashed. If the token drops its
// session meanwhile, it is opened again. It is closed after every signature. What the device is doing already is
// not called off when the context is done.
//
// Errors are of any type, but for [ErrPIN], [ErrNoPIN], [ErrNoKey] and, for files, [*fs.PathError].
func (c Configuration) UsePKCS11Signer(o PKCS11) Configuration {
	s, err := newPKCS11Signer(o)
	if err != nil {
		return c.use(nil, err)
	}
	return c.use(s, nil)
}

// A pkcs11Signer opens the token for every signature.
type pkcs11Signer struct {
	options pkcs11.Options
	notes   []string                          // warnings
	signer  func(*pkcs11.Key) (Signer, error) // makes bundles with the key, once it is open
}

func newPKCS11Signer(o PKCS11) (*pkcs11Signer, error) {
	uri, err := pkcs11.Parse(o.URI)
	if err != nil {
		return nil, err
	}
	if err := uri.CheckKey(); err != nil {
		return nil, err
	}
	pin, warning, err := uri.PIN(o.PIN)
	if err != nil {
		return nil, err
	}
	if err := pkcs11.Supported(); err != nil {
		return nil, err
	}
	module, err := uri.Module(o.ModulePaths)
	if err != nil {
		return nil, err
	}
	s := &pkcs11Signer{options: pkcs11.Options{URI: uri, Module: module, PIN: pin}, signer: bareKeySigner}
	if warning != "" {
		s.notes = append(s.notes, warning)
	}
	for _, name := range uri.Unknown {
		s.notes = append(s.notes, fmt.Sprintf("PKCS #11 URI: the attribute %.40q is not known and is ignored", name))
	}
	return s, nil
}

func bareKeySigner(k *pkcs11.Key) (Signer, error) {
	public, err := keys.Check(k.Public())
	if err != nil {
		return nil, err
	}
	hint, err := keys.Hint(public)
	if err != nil {
		return nil, err
	}
	return &keySigner{k, hint}, nil
}

func (s *pkcs11Signer) warnings() []string { return s.notes }

func (s *pkcs11Signer) prepare(ctx context.Context) (Signer, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	key, err := pkcs11.Open(s.options)
	if err != nil {
		return nil, nil, err
	}
	signer, err := s.signer(key)
	if err != nil {
		key.Close()
		return nil, nil, err
	}
	return signer, key.Close, nil
}

func (s *pkcs11Signer) Sign(ctx context.Context, statement []byte) (*bundle.Bundle, error) {
	signer, done, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return signer.Sign(ctx, statement)
}
