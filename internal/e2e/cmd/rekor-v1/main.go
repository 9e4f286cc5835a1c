// Command rekor-v1 is the transparency log of the first generation, without its search index, which would
// need Redis.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/go-openapi/loads"
	"github.com/sigstore/rekor/pkg/api"
	"github.com/sigstore/rekor/pkg/generated/restapi"
	"github.com/sigstore/rekor/pkg/generated/restapi/operations"
	"github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/rekor/pkg/types/dsse"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"
	"github.com/sigstore/rekor/pkg/types/hashedrekord"
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	"github.com/sigstore/rekor/pkg/types/intoto"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.2"
	"github.com/spf13/viper"

	"github.com/modelsigning/modelsigning/internal/e2e/child"
)

func main() {
	key := flag.String("key", "", "private key of the log, PEM")
	trillian := flag.String("trillian", "", "address of the Trillian server")
	flag.Parse()
	child.ExitWithParent(func() {})
	if err := run(*key, *trillian); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(key, trillian string) error {
	ln, err := child.Listener()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(trillian)
	if err != nil {
		return err
	}
	viper.Set("trillian_log_server.address", host)
	viper.Set("trillian_log_server.port", port)
	viper.Set("rekor_server.hostname", "127.0.0.1")
	viper.Set("rekor_server.signer", key)
	viper.Set("enabled_api_endpoints", []string{
		"getLogInfo", "getPublicKey", "getLogProof", "createLogEntry",
		"getLogEntryByIndex", "getLogEntryByUUID", "searchLogQuery",
	})
	types.SetAllowedKindsForSubmission([]string{dsse.KIND, hashedrekord.KIND, intoto.KIND})

	spec, err := loads.Embedded(restapi.SwaggerJSON, restapi.FlatSwaggerJSON)
	if err != nil {
		return err
	}
	api.ConfigureAPI(0) // makes a new tree
	s := restapi.NewServer(operations.NewRekorServerAPI(spec))
	s.ConfigureAPI()
	return child.Serve(ln, s.GetHandler())
}
