//go:build unix

// Command sigstore runs a private Sigstore in the foreground, for shells and other languages.
//
//	go run ./cmd/sigstore [-rekor-v1] -dir DIR            until interrupted
//	go run ./cmd/sigstore [-rekor-v1] -dir DIR -- COMMAND…   for as long as the command runs
//
// It writes trust_config.json, trusted_root.json, signing_config.json and tsa_chain.pem to DIR, and prints the
// variables that follow, which the command finds in its environment:
//
//	SIGSTORE_TRUST_CONFIG, SIGSTORE_TRUSTED_ROOT   those files
//	SIGSTORE_TSA_CHAIN, SIGSTORE_TSA_URL           and the timestamp authority
//	SIGSTORE_TEST_ISSUER, SIGSTORE_TEST_IDENTITY   whom the token below certifies
//	SIGSTORE_TEST_TOKEN                            valid for an hour
//	ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/modelsigning/modelsigning/internal/e2e"
)

func main() {
	v1 := flag.Bool("rekor-v1", false, "run Rekor version 1 instead of 2")
	dir := flag.String("dir", "", "folder to write the trust configuration to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, e2e.Options{RekorV1: *v1}, *dir, flag.Args())
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o e2e.Options, dir string, command []string) error {
	if dir == "" {
		return errors.New("-dir is required")
	}
	stack, err := e2e.Run(ctx, o)
	if err != nil {
		return err
	}
	defer stack.Close()
	env, err := write(stack, dir)
	if err != nil {
		return err
	}
	if len(command) == 0 {
		for _, v := range env {
			fmt.Println(v)
		}
		<-ctx.Done()
		return nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

func write(stack *e2e.Stack, dir string) (env []string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{
		"trust_config.json": stack.TrustConfigJSON, "trusted_root.json": stack.TrustedRootJSON,
		"signing_config.json": stack.SigningConfigJSON, "tsa_chain.pem": stack.TSAChain,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return nil, err
		}
	}
	return []string{
		"SIGSTORE_TRUST_CONFIG=" + filepath.Join(dir, "trust_config.json"),
		"SIGSTORE_TRUSTED_ROOT=" + filepath.Join(dir, "trusted_root.json"),
		"SIGSTORE_TSA_CHAIN=" + filepath.Join(dir, "tsa_chain.pem"),
		"SIGSTORE_TSA_URL=" + stack.TSAURL,
		"SIGSTORE_TEST_ISSUER=" + stack.Issuer,
		"SIGSTORE_TEST_IDENTITY=person@example.com",
		"SIGSTORE_TEST_TOKEN=" + stack.Token(e2e.Claims{Lifetime: time.Hour}),
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + stack.MintURL,
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + stack.MintToken,
	}, nil
}
