//go:build !unix

package signing

import "os"

func checkWritable(dir string) error {
	f, err := os.CreateTemp(dir, ".signature-*.tmp")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}
