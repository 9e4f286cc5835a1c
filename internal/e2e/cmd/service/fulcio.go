package main

import (
	"context"
	"flag"
	"net"
	"net/http"
	"os"
	"strings"

	ctclient "github.com/google/certificate-transparency-go/client"
	"github.com/google/certificate-transparency-go/jsonclient"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/sigstore/fulcio/pkg/ca/fileca"
	"github.com/sigstore/fulcio/pkg/config"
	gw "github.com/sigstore/fulcio/pkg/generated/protobuf"
	"github.com/sigstore/fulcio/pkg/server"
	v1 "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/modelsigning/modelsigning/internal/e2e/child"
)

// fulcio is the certificate authority: its gRPC service, and before it the HTTP gateway that clients use.
func fulcio(flags *flag.FlagSet, args []string, ln net.Listener) error {
	cert := flags.String("cert", "", "certificate of the authority, PEM")
	key := flags.String("key", "", "private key of the authority, PKCS #8 PEM")
	configFile := flags.String("config", "", "configuration of the OpenID issuers")
	ctURL := flags.String("ct-log-url", "", "the certificate transparency log")
	ctKey := flags.String("ct-log-key", "", "public key of that log, PEM")
	flags.Parse(args)
	ctx := context.Background()

	issuers, err := config.Load(*configFile)
	if err != nil {
		return err
	}
	authority, err := fileca.NewFileCA(*cert, *key, "", false)
	if err != nil {
		return err
	}
	publicKey, err := os.ReadFile(*ctKey)
	if err != nil {
		return err
	}
	ct, err := ctclient.New(*ctURL, http.DefaultClient, jsonclient.Options{PublicKey: string(publicKey)})
	if err != nil {
		return err
	}
	algorithms, err := signature.NewAlgorithmRegistryConfig([]v1.PublicKeyDetails{
		v1.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
		v1.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384,
		v1.PublicKeyDetails_PKIX_ED25519,
	})
	if err != nil {
		return err
	}
	ca := server.NewGRPCCAServer(ct, authority, algorithms, server.NewIssuerPool(issuers))
	gateway, err := serveGateway(ctx, issuers, ca)
	if err != nil {
		return err
	}
	return child.Serve(ln, gateway)
}

func serveGateway(ctx context.Context, issuers *config.FulcioConfig, ca server.GRPCCAServer) (http.Handler, error) {
	withConfig := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		return h(config.With(ctx, issuers), req)
	}
	s := grpc.NewServer(grpc.UnaryInterceptor(withConfig))
	gw.RegisterCAServer(s, ca)
	grpc_health_v1.RegisterHealthServer(s, ca)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go s.Serve(ln)

	conn, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	mux := runtime.NewServeMux(
		runtime.WithMetadata(tokenFromHeader),
		runtime.WithHealthzEndpoint(grpc_health_v1.NewHealthClient(conn)))
	return mux, gw.RegisterCAHandler(ctx, mux, conn)
}

// tokenFromHeader is where version 2 of the API has it.
func tokenFromHeader(_ context.Context, r *http.Request) metadata.MD {
	return metadata.Pairs(server.MetadataOIDCTokenKey, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}
