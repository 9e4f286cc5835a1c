package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/modelsigning/modelsigning/internal/keys"
	"github.com/spf13/cobra"
)

// A password is that of a private key, and the flags that give it.
type password struct{ given, file string }

func (p *password) add(c *cobra.Command) {
	c.Flags().StringVar(&p.given, "password", "", "`PASSWORD` of the private key, if it is encrypted; others who use this machine can see it in the list of processes")
	c.Flags().StringVar(&p.file, "password-file", "", "the private key's password is the first line of this `FILE`")
}

// read returns the password, or nothing if none is given.
func (p *password) read(c *cobra.Command, log *slog.Logger) (string, error) {
	if err := exclusive(c.Flags(), "password", "password-file"); err != nil {
		return "", err
	}
	if !c.Flags().Changed("password-file") {
		return p.given, nil
	}
	if p.file == "" {
		return "", usageError{errors.New("--password-file is empty")}
	}
	data, err := keys.ReadFile(p.file)
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
		return "", usageError{fmt.Errorf("password file %s: its first line is empty", p.file)}
	}
	// On Windows the mode does not tell.
	if info, err := os.Stat(p.file); err == nil && info.Mode().IsRegular() && info.Mode()&0o044 != 0 && runtime.GOOS != "windows" {
		log.Warn("password file can be read by others", "file", p.file)
	}
	return string(line), nil
}
