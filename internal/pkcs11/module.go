package pkcs11

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Module returns the file of the module that the URI names: by module-path, or by module-name in the
// directory module-path, or else in dirs and then in the directories where systems keep their modules.
func (u *URI) Module(dirs []string) (string, error) {
	name := u.ModuleName.Value
	if !u.ModulePath.Given {
		if name == "" {
			return "", errors.New("the PKCS #11 URI names no module: it needs module-path or module-name")
		}
		return findModule(name, append(append([]string(nil), dirs...), systemDirs()...))
	}
	path := u.ModulePath.Value
	if !filepath.IsAbs(path) {
		return "", errors.New("module-path is not an absolute path")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("PKCS #11 module: %w", err)
	case info.Mode().IsRegular() && (name == "" || isModule(filepath.Base(path), name)):
		return path, nil
	case info.Mode().IsRegular():
		return "", fmt.Errorf("PKCS #11 module %s is not %q, as module-name says", path, name)
	case !info.IsDir():
		return "", fmt.Errorf("PKCS #11 module %s: is neither a file nor a directory", path)
	case name == "":
		return "", fmt.Errorf("PKCS #11 module %s: is a directory, and the URI has no module-name", path)
	}
	return findModule(name, []string{path})
}

// findModule returns the first module of that name. In a directory, the shortest name wins: libx.so before
// libx.so.1.
func findModule(name string, dirs []string) (string, error) {
	var absent []string
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			absent = append(absent, dir)
			continue
		}
		found := ""
		for _, e := range entries {
			if isModule(e.Name(), name) && (found == "" || len(e.Name()) < len(found)) && !e.IsDir() {
				found = e.Name()
			}
		}
		if found != "" {
			return filepath.Join(dir, found), nil
		}
	}
	err := &fs.PathError{Op: "find", Path: name, Err: fs.ErrNotExist}
	if len(dirs) == 1 && len(absent) == 0 {
		return "", fmt.Errorf("PKCS #11 module: %w in %s", err, dirs[0])
	}
	return "", fmt.Errorf("PKCS #11 module: %w in any of %s", err, strings.Join(dirs, ", "))
}

// isModule reports whether a file has the name of a module, whatever its case, with or without what systems
// put around it: lib before it, .so, .so.1, .dylib or .dll after it.
func isModule(file, name string) bool {
	file, name = strings.ToLower(file), strings.ToLower(name)
	file, known := cutSuffix(file)
	name, _ = cutSuffix(name)
	return known && (file == name || file == "lib"+name)
}

func cutSuffix(file string) (string, bool) {
	for _, suffix := range []string{".so", ".dylib", ".dll"} {
		if base, ok := strings.CutSuffix(file, suffix); ok {
			return base, true
		}
	}
	base, version, ok := strings.Cut(file, ".so.")
	if ok && strings.Trim(version, "0123456789.") == "" {
		return base, true
	}
	return file, false
}

// systemDirs are the directories in which systems keep PKCS #11 modules, and then those of all libraries, where
// some vendors put theirs.
func systemDirs() []string {
	var libs []string
	switch runtime.GOOS {
	case "windows":
		return nil
	case "darwin":
		libs = []string{"/opt/homebrew/lib", "/usr/local/lib", "/Library/OpenSC/lib"}
	default:
		if t := triplets[runtime.GOARCH]; t != "" {
			libs = []string{"/usr/lib/" + t} // Debian
		}
		libs = append(libs, "/usr/lib64", "/usr/lib", "/usr/local/lib") // Fedora; Arch and Debian; by hand
	}
	var dirs []string
	for _, lib := range libs {
		dirs = append(dirs, lib+"/pkcs11", lib+"/softhsm")
	}
	return append(dirs, libs...)
}

// triplets are Debian's names for architectures.
var triplets = map[string]string{
	"386":     "i386-linux-gnu",
	"amd64":   "x86_64-linux-gnu",
	"arm":     "arm-linux-gnueabihf",
	"arm64":   "aarch64-linux-gnu",
	"loong64": "loongarch64-linux-gnu",
	"ppc64le": "powerpc64le-linux-gnu",
	"riscv64": "riscv64-linux-gnu",
	"s390x":   "s390x-linux-gnu",
}
