//go:build cgo

package pkcs11

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"
)

// An object is a key or a certificate on a token.
type object struct {
	handle pkcs11.ObjectHandle
	id     string
	label  string
}

// String names the object as a URI would.
func (o object) String() string { return fmt.Sprintf("%q (id=%s)", o.label, escapeAll(o.id)) }

// objects returns the objects of a class. The session's lock is held.
func (t *token) objects(class uint, id, label Text) (all []object, err error) {
	if t.closed {
		return nil, errClosed
	}
	template := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class)}
	// Not every token can look for what is empty.
	if id.Value != "" {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id.Value)))
	}
	if label.Value != "" {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_LABEL, label.Value))
	}
	handles, err := t.handles(template)
	if err != nil {
		return nil, err
	}
	for _, h := range handles {
		o := object{handle: h}
		if o.id, err = t.attribute(h, pkcs11.CKA_ID); err != nil {
			return nil, err
		}
		if o.label, err = t.attribute(h, pkcs11.CKA_LABEL); err != nil {
			return nil, err
		}
		if (!id.Given || id.Value == o.id) && label.Matches(o.label) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b object) int { return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.id, b.id)) })
	return all, nil
}

func (t *token) handles(template []*pkcs11.Attribute) (all []pkcs11.ObjectHandle, err error) {
	ctx := t.module.ctx
	if err := ctx.FindObjectsInit(t.session, template); err != nil {
		return nil, err
	}
	for {
		some, _, err := ctx.FindObjects(t.session, 100)
		if err != nil || len(some) == 0 {
			if finalErr := ctx.FindObjectsFinal(t.session); err == nil {
				err = finalErr
			}
			return all, err
		}
		all = append(all, some...)
	}
}

// attribute returns the value of an attribute, empty if the object has none.
func (t *token) attribute(h pkcs11.ObjectHandle, kind uint) (string, error) {
	a, err := t.module.ctx.GetAttributeValue(t.session, h, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	switch {
	case is(err, pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_SENSITIVE):
		return "", nil
	case err != nil:
		return "", err
	}
	return string(a[0].Value), nil
}

// keyType returns the name of a key's type, "" for elliptic curves.
func (t *token) keyType(h pkcs11.ObjectHandle) (string, error) {
	value, err := t.attribute(h, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return "", err
	}
	var n uint64
	switch len(value) { // a CK_ULONG
	case 4:
		n = uint64(binary.NativeEndian.Uint32([]byte(value)))
	case 8:
		n = binary.NativeEndian.Uint64([]byte(value))
	}
	switch n {
	case pkcs11.CKK_EC:
		return "", nil
	case pkcs11.CKK_RSA:
		return "RSA", nil
	case pkcs11.CKK_DSA:
		return "DSA", nil
	case pkcs11.CKK_DH:
		return "Diffie-Hellman", nil
	case 0x40: // CKK_EC_EDWARDS of PKCS #11 3.0
		return "Edwards-curve (Ed25519, Ed448)", nil
	case 0x41: // CKK_EC_MONTGOMERY
		return "Montgomery-curve (X25519, X448)", nil
	}
	return fmt.Sprintf("PKCS #11 type 0x%X", n), nil
}

// publicKey reads a public key on an elliptic curve.
func (t *token) publicKey(h pkcs11.ObjectHandle) (*ecdsa.PublicKey, error) {
	params, err := t.attribute(h, pkcs11.CKA_EC_PARAMS)
	if err != nil {
		return nil, err
	}
	point, err := t.attribute(h, pkcs11.CKA_EC_POINT)
	if err != nil {
		return nil, err
	}
	curve, err := parseCurve([]byte(params))
	if err != nil {
		return nil, err
	}
	raw := []byte(point)
	var inner []byte
	if rest, err := asn1.Unmarshal(raw, &inner); err == nil && len(rest) == 0 {
		raw = inner // as the standard says; some devices leave the OCTET STRING out
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, raw)
	if err != nil {
		return nil, fmt.Errorf("its public key can't be read: %w", err)
	}
	return key, nil
}

var curves = []struct {
	oid   asn1.ObjectIdentifier
	name  string
	curve elliptic.Curve
}{
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, "P-256", elliptic.P256()},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 34}, "P-384", elliptic.P384()},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 35}, "P-521", elliptic.P521()},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 1}, "P-192", nil},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 33}, "P-224", nil},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 10}, "secp256k1", nil},
	{asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7}, "brainpoolP256r1", nil},
	{asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 11}, "brainpoolP384r1", nil},
	{asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 13}, "brainpoolP512r1", nil},
}

func parseCurve(params []byte) (elliptic.Curve, error) {
	var oid asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(params, &oid); err != nil || len(rest) > 0 {
		return nil, unsupported("elliptic-curve keys without a named curve")
	}
	for _, c := range curves {
		if oid.Equal(c.oid) {
			if c.curve == nil {
				return nil, unsupported(c.name + " keys")
			}
			return c.curve, nil
		}
	}
	return nil, unsupported("keys on the curve " + oid.String())
}

func unsupported(kind string) error {
	return keyError{fmt.Errorf("%s are not supported, only elliptic-curve keys on P-256, P-384 and P-521", kind)}
}

func (t *token) certificate(h pkcs11.ObjectHandle) (*x509.Certificate, error) {
	der, err := t.attribute(h, pkcs11.CKA_VALUE)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate([]byte(der))
}
