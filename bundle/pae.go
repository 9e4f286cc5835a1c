package bundle

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// PAE returns the pre-authentication encoding of a statement, which is what is signed. See the DSSE protocol
// v1, section "Signature Definition".
func PAE(statement []byte) []byte {
	b := bytes.NewBuffer(make([]byte, 0, len(statement)+96))
	WritePAE(b, statement) // a buffer takes everything
	return b.Bytes()
}

// WritePAE writes PAE(statement) to w, usually a hash, without making a copy of a statement that may have
// gigabytes.
func WritePAE(w io.Writer, statement []byte) error {
	if _, err := fmt.Fprintf(w, "DSSEv1 %d %s %d ", len(PayloadType), PayloadType, len(statement)); err != nil {
		return err
	}
	_, err := w.Write(statement)
	return err
}

// maxLegacy bounds what LegacyPAE blows up to four times its size: some 250,000 files.
const maxLegacy = 64 << 20

// LegacyPAE returns the encoding that release 0.2.0 of the Python reference signed by mistake: the version
// with a capital V, and in place of the payload its representation as a literal of Python. The length is that
// of the payload itself. It reports false for statements that are not of that release: nothing newer may be
// verified so, and nothing longer than 64 MiB is.
func LegacyPAE(statement []byte) ([]byte, bool) {
	if len(statement) > maxLegacy {
		return nil, false
	}
	if kind, err := predicateType(statement); err != nil || kind != predicateV02 {
		return nil, false
	}
	b := fmt.Appendf(nil, "DSSEV1 %d %s %d ", len(PayloadType), PayloadType, len(statement))
	return appendPythonRepr(b, statement), true
}

// appendPythonRepr appends repr(payload), where payload is a bytes object of Python.
func appendPythonRepr(b, payload []byte) []byte {
	quote := byte('\'')
	if bytes.IndexByte(payload, '\'') >= 0 && bytes.IndexByte(payload, '"') < 0 {
		quote = '"'
	}
	b = append(b, 'b', quote)
	for _, c := range payload {
		switch {
		case c == quote || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ' || c >= 0x7f:
			b = append(b, `\x`...)
			if c < 0x10 {
				b = append(b, '0')
			}
			b = strconv.AppendUint(b, uint64(c), 16)
		default:
			b = append(b, c)
		}
	}
	return append(b, quote)
}
