package main

import (
	"flag"
	"net"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"

	"github.com/modelsigning/modelsigning/internal/e2e/child"
)

// timestampAuthority answers RFC 3161 requests at /api/v1/timestamp with a chain made when it starts.
func timestampAuthority(flags *flag.FlagSet, args []string, ln net.Listener) error {
	flags.Parse(args)
	viper.Set("timestamp-signer", "memory")
	viper.Set("timestamp-signer-hash", "sha256")
	viper.Set("default-policy-oid", "1.3.6.1.4.1.57264.2")
	viper.Set("accepted-policy-oids", []string{"1.3.6.1.4.1.57264.2"})
	viper.Set("max-request-body-size", 1<<20)
	s := server.NewRestAPIServer("127.0.0.1", 0, []string{"http"}, false, time.Minute, time.Minute)
	return child.Serve(ln, s.GetHandler())
}
