package verifying

import (
	"crypto/x509"
	"slices"
	"strings"
)

// CountSigners returns how many different signers there are, counted so that nobody counts twice. Those who share a
// public key are one, and so are those who share a subject, or an address, URI or DNS name that their certificates
// are for, whatever the method, the issuer, and upper and lower case; and those who are one with a third are one. Who
// has neither key nor subject does not count.
func CountSigners(signers ...Identity) int {
	// A forest: each signer points to another one that is the same, or to itself.
	same := make([]int, len(signers))
	root := func(i int) int {
		for same[i] != i {
			same[i] = same[same[i]]
			i = same[i]
		}
		return i
	}
	first := map[string]int{} // who has a mark
	count := 0
	for i, s := range signers {
		same[i] = i
		marks := marksOf(s)
		if len(marks) > 0 {
			count++
		}
		for _, mark := range marks {
			other, found := first[mark]
			if !found {
				first[mark] = i
			} else if a, b := root(i), root(other); a != b {
				same[a] = b
				count--
			}
		}
	}
	return count
}

// marksOf returns what tells a signer.
func marksOf(s Identity) (marks []string) {
	names := []string{s.Subject}
	if len(s.Certificates) > 0 {
		leaf := s.Certificates[0]
		names = slices.Concat(names, leaf.EmailAddresses, leaf.DNSNames)
		for _, u := range leaf.URIs {
			names = append(names, u.String())
		}
	}
	for _, name := range names {
		if name != "" {
			marks = append(marks, "subject "+strings.ToLower(name))
		}
	}
	if der, err := x509.MarshalPKIXPublicKey(s.PublicKey); err == nil {
		marks = append(marks, "key "+string(der))
	}
	return marks
}
