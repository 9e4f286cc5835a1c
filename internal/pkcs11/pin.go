package pkcs11

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/modelsigning/modelsigning/internal/keys"
)

// ErrPIN says that a token refused the PIN. A refused PIN is not tried again, since tokens lock after a few.
var ErrPIN = errors.New("the PIN was refused")

// ErrNoPIN says that a token needs a PIN, and none was given.
var ErrNoPIN = errors.New("needs a PIN")

// PIN returns the PIN that the URI gives, by value or by file, or else the one given besides. The empty PIN
// means that there is none. A warning is returned if others can read the file.
func (u *URI) PIN(given string) (pin, warning string, err error) {
	switch {
	case given != "" && (u.pin.Given || u.PINSource.Given):
		return "", "", errors.New("a PIN is given both in the PKCS #11 URI and besides it")
	case u.PINSource.Given:
		return readPIN(u.PINSource.Value)
	case u.pin.Given && u.pin.Value == "":
		return "", "", errors.New("pin-value is empty")
	case u.pin.Given:
		return u.pin.Value, "", nil
	}
	return given, "", nil
}

func readPIN(source string) (pin, warning string, err error) {
	name, err := pinFile(source)
	if err != nil {
		return "", "", err
	}
	data, err := keys.ReadFile(name)
	if err != nil {
		return "", "", fmt.Errorf("PIN file: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) == 0 {
		return "", "", fmt.Errorf("PIN file %s: is empty", name)
	}
	if info, err := os.Stat(name); err == nil && readableByOthers(info) {
		warning = fmt.Sprintf("PIN file %s can be read by others", name)
	}
	return string(data), warning, nil
}

// readableByOthers is false on Windows, where the mode does not tell.
func readableByOthers(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o044 != 0
}

// pinFile returns the file of a pin-source: an absolute path, or a URI of the file scheme.
func pinFile(source string) (string, error) {
	if strings.HasPrefix(source, "|") {
		return "", errors.New("pin-source is a command, and no commands are run; write the PIN to a file")
	}
	if filepath.IsAbs(source) {
		return source, nil
	}
	u, err := url.Parse(source)
	switch {
	case err != nil || u.Scheme == "":
		return "", errors.New("pin-source is not an absolute path")
	case !strings.EqualFold(u.Scheme, "file"):
		return "", errors.New("pin-source is neither a path nor a file: URI")
	case u.Host != "" && u.Host != "localhost" || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("pin-source is a file: URI of another host, or with more than a path")
	}
	name := u.Path
	if runtime.GOOS == "windows" { // file:///C:/pin
		name = filepath.FromSlash(strings.TrimPrefix(name, "/"))
	}
	if !filepath.IsAbs(name) {
		return "", errors.New("pin-source is not an absolute path")
	}
	return name, nil
}
