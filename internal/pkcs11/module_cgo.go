//go:build cgo

package pkcs11

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"
)

// Supported returns nil, since this is a program with cgo.
func Supported() error { return nil }

// A module is a library that was loaded. It is initialized while tokens are open, and finalized after: sessions,
// logins and initialization belong to the whole process, so they are counted here for all of it.
type module struct {
	path string
	ctx  *pkcs11.Ctx

	mu          sync.Mutex
	tokens      map[uint]*token // open, by slot
	initialized bool            // by this package; crypto11 and others look after their own
	refused     map[attempt]bool
}

// loaded holds every module for good. Few of them survive being unloaded, and refused PINs must be remembered.
var loaded struct {
	sync.Mutex
	modules map[string]*module
}

func load(path string) (*module, error) {
	loaded.Lock()
	defer loaded.Unlock()
	// The system loads a file once, whatever its name, so it is one module to be counted.
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("PKCS #11 module: %w", err)
	}
	if m := loaded.modules[file]; m != nil {
		return m, nil
	}
	ctx := pkcs11.New(path)
	if ctx == nil {
		return nil, fmt.Errorf("PKCS #11 module %s: is not a PKCS #11 module for this system", path)
	}
	if loaded.modules == nil {
		loaded.modules = map[string]*module{}
	}
	m := &module{path: path, ctx: ctx, tokens: map[uint]*token{}, refused: map[attempt]bool{}}
	loaded.modules[file] = m
	return m, nil
}

// initialize initializes the module unless somebody in this process has, and tells if it did.
func (m *module) initialize() (bool, error) {
	err := m.ctx.Initialize()
	if is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("PKCS #11 module %s: %w", m.path, err)
	}
	return true, nil
}

// A place is a slot with a token in it.
type place struct {
	slot uint
	info pkcs11.TokenInfo
}

func (p place) String() string {
	return fmt.Sprintf("%q (slot-id %d, serial %s)", trim(p.info.Label), p.slot, trim(p.info.SerialNumber))
}

// name names the token, in whatever slot it is.
func (p place) name() string {
	return fmt.Sprintf("%q %q %q %q", p.info.SerialNumber, p.info.Label, p.info.ManufacturerID, p.info.Model)
}

// find finds the token that the URI names, and no other than one of its name.
func (m *module) find(u *URI) (place, error) {
	if err := m.checkLibrary(u); err != nil {
		return place{}, err
	}
	all, err := m.places()
	if err != nil {
		return place{}, err
	}
	var matches []place
	for _, p := range all {
		if m.matches(p, u) {
			matches = append(matches, p)
		}
	}
	switch {
	case len(matches) == 1:
		return matches[0], nil
	case len(matches) > 1:
		return place{}, keyError{fmt.Errorf("PKCS #11: %d tokens match the URI: %s; add what tells them apart", len(matches), list(matches))}
	case len(all) == 0:
		return place{}, fmt.Errorf("PKCS #11: no token is present in module %s", m.path)
	}
	return place{}, fmt.Errorf("PKCS #11: no token matches the URI; present: %s", list(all))
}

// places returns the slots that have a token which is ready for use.
func (m *module) places() ([]place, error) {
	slots, err := m.ctx.GetSlotList(true)
	if err != nil {
		return nil, fmt.Errorf("PKCS #11 module %s: listing slots: %w", m.path, err)
	}
	var all []place
	for _, slot := range slots {
		info, err := m.ctx.GetTokenInfo(slot)
		if err != nil || info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			continue // pulled out meanwhile, or blank
		}
		all = append(all, place{slot, info})
	}
	slices.SortFunc(all, func(p, q place) int { return cmp.Compare(p.slot, q.slot) })
	return all, nil
}

func (m *module) matches(p place, u *URI) bool {
	if u.SlotID.Given {
		if n, err := strconv.ParseUint(u.SlotID.Value, 10, strconv.IntSize); err != nil || uint(n) != p.slot {
			return false
		}
	}
	if u.SlotManufacturer.Given || u.SlotDescription.Given {
		slot, err := m.ctx.GetSlotInfo(p.slot)
		if err != nil || !u.SlotManufacturer.Matches(slot.ManufacturerID) || !u.SlotDescription.Matches(slot.SlotDescription) {
			return false
		}
	}
	return u.Token.Matches(p.info.Label) && u.Serial.Matches(p.info.SerialNumber) &&
		u.Manufacturer.Matches(p.info.ManufacturerID) && u.Model.Matches(p.info.Model)
}

// checkLibrary sees that the module is the one that the library attributes name.
func (m *module) checkLibrary(u *URI) error {
	if !u.LibraryManufacturer.Given && !u.LibraryDescription.Given && !u.LibraryVersion.Given {
		return nil
	}
	info, err := m.ctx.GetInfo()
	if err != nil {
		return fmt.Errorf("PKCS #11 module %s: %w", m.path, err)
	}
	got := [2]byte{info.LibraryVersion.Major, info.LibraryVersion.Minor}
	want, _ := version(u.LibraryVersion.Value)
	if u.LibraryManufacturer.Matches(info.ManufacturerID) && u.LibraryDescription.Matches(info.LibraryDescription) &&
		(!u.LibraryVersion.Given || got == want) {
		return nil
	}
	return fmt.Errorf("PKCS #11 module %s: is %q by %q, version %d.%d, and the URI names another library",
		m.path, trim(info.LibraryDescription), trim(info.ManufacturerID), got[0], got[1])
}

// listed is how many things an error lists.
const listed = 10

func list[T fmt.Stringer](all []T) string {
	var b strings.Builder
	for i, v := range all {
		if i == listed {
			fmt.Fprintf(&b, ", and %d more", len(all)-listed)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(v.String())
	}
	return b.String()
}
