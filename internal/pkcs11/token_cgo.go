//go:build cgo

package pkcs11

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

// A token is open for all keys of this process that are on it: one session, in which they take turns, and one
// login. Small tokens have few sessions, and none has more than one login.
type token struct {
	module *module
	place  place
	pin    string
	users  int // under module.mu

	// keeper keeps the module initialized, in common with everybody who uses crypto11 in this process. It is
	// nil if crypto11 can't: others have initialized the module, or the token has no second session or none
	// for writing.
	keeper *crypto11.Context

	mu      sync.Mutex // of the session
	session pkcs11.SessionHandle
	closed  bool // its handle may be another session's by now
}

// errClosed says that another key's user has found the token lost, and closed it.
var errClosed = errors.New("the token was closed")

// acquire returns the token that the URI names, open and logged in. It must be released. If again is not
// nil, it must be that one.
func (m *module) acquire(o Options, again *place) (*token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.look(o.URI)
	if err != nil {
		return nil, err
	}
	if again != nil && p.name() != again.name() {
		return nil, fmt.Errorf("PKCS #11: the token %v is gone, and %v is in its place", *again, p)
	}
	t := m.tokens[p.slot]
	if t != nil && t.place.name() != p.name() {
		m.close(t)
		t = nil
	}
	switch {
	case t == nil:
		if t, err = m.open(p, o.PIN); err != nil {
			return nil, err
		}
		m.tokens[p.slot] = t
	case t.pin != o.PIN:
		// The token would not ask for it: it is logged in.
		return nil, fmt.Errorf("PKCS #11 token %v: %w: it is in use with another one in this process", p, ErrPIN)
	}
	t.users++
	return t, nil
}

// look finds a token. The module must be initialized for that, and must not be for crypto11 to open the token.
func (m *module) look(u *URI) (place, error) {
	initialized, err := m.initialize()
	if err != nil {
		return place{}, err
	}
	if initialized {
		defer m.ctx.Finalize()
	}
	return m.find(u)
}

func (m *module) open(p place, pin string) (*token, error) {
	login, err := m.checkPIN(p, pin)
	if err != nil {
		return nil, err
	}
	t := &token{module: m, place: p, pin: pin}
	if err := t.hold(); err != nil {
		return nil, err
	}
	t.session, err = m.ctx.OpenSession(p.slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		m.letGo(t)
		return nil, fmt.Errorf("PKCS #11 token %v: %w", p, err)
	}
	if login {
		if err := t.login(); err != nil {
			m.close(t)
			return nil, err
		}
	}
	return t, nil
}

// hold initializes the module, by crypto11 if it can.
func (t *token) hold() (err error) {
	slot := int(t.place.slot)
	if t.place.info.MaxRwSessionCount != 1 && slot >= 0 {
		// crypto11 is not asked to log in: it would not tell if the token has checked the PIN, and leave its
		// session open if it was refused.
		t.keeper, err = crypto11.Configure(&crypto11.Config{
			Path: t.module.path, SlotNumber: &slot, LoginNotSupported: true, MaxSessions: 2,
		})
		if err == nil {
			return nil
		}
	}
	initialized, err := t.module.initialize()
	t.module.initialized = t.module.initialized || initialized
	return err
}

// checkPIN tells if the token is to be logged in. It refuses what can't be right before an attempt is lost.
func (m *module) checkPIN(p place, pin string) (login bool, err error) {
	flags := p.info.Flags
	required := flags&pkcs11.CKF_LOGIN_REQUIRED != 0
	switch {
	case !required && pin == "":
		return false, nil
	case flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return false, locked(p)
	case required && flags&pkcs11.CKF_USER_PIN_INITIALIZED == 0:
		return false, fmt.Errorf("PKCS #11 token %v: its user PIN was never set", p)
	case pin == "" && flags&pkcs11.CKF_PROTECTED_AUTHENTICATION_PATH == 0:
		return false, fmt.Errorf("PKCS #11 token %v: %w, by pin-source, by pin-value or besides the URI", p, ErrNoPIN)
	case m.refused[newAttempt(p, pin)]:
		return false, fmt.Errorf("PKCS #11 token %v: %w before, and is not tried again", p, ErrPIN)
	}
	return true, nil
}

func (t *token) login() error {
	m := t.module
	err := m.ctx.Login(t.session, pkcs11.CKU_USER, t.pin)
	switch {
	case err == nil:
		// The PIN may have been changed since others were refused.
		maps.DeleteFunc(m.refused, func(a attempt, _ bool) bool { return a.token == t.place.name() })
		return nil
	case is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN):
		return nil // by others in this process
	}
	return t.refuse(err)
}

// refuse returns the error for a login that failed, and remembers the PIN if that is why.
func (t *token) refuse(err error) error {
	p := t.place
	switch {
	case is(err, pkcs11.CKR_PIN_LOCKED):
		return locked(p)
	case is(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE):
		if t.pin != "" { // or else the user has typed it, and will type another one
			t.module.refused[newAttempt(p, t.pin)] = true
		}
		return fmt.Errorf("PKCS #11 token %v: %w (%v)", p, ErrPIN, err)
	case is(err, pkcs11.CKR_PIN_EXPIRED):
		return fmt.Errorf("PKCS #11 token %v: the PIN has expired and must be changed", p)
	}
	return fmt.Errorf("PKCS #11 token %v: login: %w", p, err)
}

func locked(p place) error {
	return fmt.Errorf("PKCS #11 token %v: %w: the token is locked after too many wrong ones", p, ErrPIN)
}

// An attempt is a PIN that was tried on a token.
type attempt struct {
	token string
	pin   [sha256.Size]byte
}

func newAttempt(p place, pin string) attempt { return attempt{p.name(), sha256.Sum256([]byte(pin))} }

// release gives a token back. It is closed when nobody is left, or if it is lost.
func (m *module) release(t *token, lost bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.users--
	if lost || t.users == 0 {
		m.close(t)
	}
}

// giveUp closes a token for everybody, and returns the error for the login that failed.
func (m *module) giveUp(t *token, err error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.close(t)
	return t.refuse(err)
}

// close ends the session. The login ends with the last session of the process, which is not always this one: to
// log out would be to do it for others.
func (m *module) close(t *token) {
	t.mu.Lock()
	closed := t.closed
	t.closed = true
	if !closed {
		_ = m.ctx.CloseSession(t.session) // lost ones can't be closed
	}
	t.mu.Unlock()
	if closed {
		return
	}
	if m.tokens[t.place.slot] == t {
		delete(m.tokens, t.place.slot)
	}
	m.letGo(t)
}

// letGo finalizes the module if nobody else needs it.
func (m *module) letGo(t *token) {
	if t.keeper != nil {
		_ = t.keeper.Close()
	}
	if m.initialized && len(m.tokens) == 0 {
		_ = m.ctx.Finalize()
		m.initialized = false
	}
}

func is(err error, codes ...pkcs11.Error) bool {
	var got pkcs11.Error
	if !errors.As(err, &got) {
		return false
	}
	for _, c := range codes {
		if got == c {
			return true
		}
	}
	return false
}

// isLost reports whether an error may go away when the token is opened again: its session was dropped, it was
// pulled out and put back, the network failed.
func isLost(err error) bool {
	return errors.Is(err, errClosed) || is(err, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_USER_NOT_LOGGED_IN,
		pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_DEVICE_REMOVED,
		pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED,
		pkcs11.CKR_SLOT_ID_INVALID, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_GENERAL_ERROR,
		pkcs11.CKR_FUNCTION_FAILED)
}
