// The command model-signing signs models and verifies them.
//
//	model-signing digest MODEL
//	model-signing inspect BUNDLE
//	model-signing sign MODEL --signature model.sig
//	model-signing verify MODEL --signature model.sig --identity EMAIL --identity-provider URL
//	model-signing sign key MODEL --signature model.sig --private-key key.priv
//	model-signing verify key MODEL --signature model.sig --public-key key.pub
//	model-signing sign certificate MODEL --signature model.sig --private-key key.priv --signing-certificate cert.pem
//	model-signing sign pkcs11-key MODEL --signature model.sig --pkcs11-uri "pkcs11:token=t;object=k?module-name=softhsm2&pin-source=/etc/pin"
//	model-signing verify certificate MODEL --signature model.sig --certificate-chain root.pem
//	model-signing verify any MODEL --signature model.sig --public-key a.pub --public-key b.pub --certificate-chain root.pem
//	model-signing provenance create key MODEL --provenance model.intoto.jsonl --private-key key.priv --builder-id URI
//	model-signing provenance verify key MODEL --provenance model.intoto.jsonl --public-key key.pub --builder-id URI
//	model-signing provenance affected key PROVENANCE… --public-key key.pub --builder-id URI --package tensorflow --version "<2.17.1"
//
// Without the name of a method it is sigstore. Commands and flags are those of the Python command of the same name;
// underscores in flags may be written for hyphens, and the last of two flags that contradict each other wins. What
// differs: a file that is not a model's signature is never overwritten, nor is one that is read-only; a path to ignore that
// was meant relative to the model is refused; there is --password-file; verify --allow-symlinks is an error for a
// model that was signed without; two ways to get a token exclude each other, and ambient credentials that are asked
// for and not there are an error; failures have three exit codes in place of one.
//
// Of a large model, many machines hash a slice each; see docs/distributed.md:
//
//	model-signing plan MODEL -n N -o plan.json
//	model-signing digest MODEL --slice I/N --plan plan.json -o part.json
//	model-signing merge PARTS... -o manifest.json
//	model-signing sign key --manifest manifest.json --signature model.sig --private-key key.priv
//
// It exits with 0 on success, 1 if the model or its signature is rejected, 2 if it was called the wrong way, and 3 if
// something could not be read, written or reached; provenance affected also with 1 if a model is affected, and 4 if that
// is unknown; the commands for slices also with 5 if the model changed between the jobs, and 6 if slices are missing. An
// error is one line on standard error. With --output json, results and errors are also one line of JSON on standard
// output, which docs/command-line.md describes.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := interruptible()
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	err := interrupted(root.ExecuteContext(ctx))
	clearProgress()
	if err == nil {
		return 0
	}
	if !as[*answered](err) { // which has written what there is to say
		reportError(os.Stdout, args, err)
	}
	fmt.Fprintln(os.Stderr, "model-signing: "+printable(err.Error()))
	return exitCode(err)
}

func newRoot() *cobra.Command {
	level := new(slog.LevelVar)
	if name := os.Getenv("MODEL_SIGNING_LOG_LEVEL"); name != "" {
		_ = logLevel{level}.Set(name) // as the Python command, which has a default for what it does not know
	}
	root := &cobra.Command{
		Use:               "model-signing",
		Short:             "Sign machine-learning models and verify them",
		Version:           version(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("which command? See model-signing --help")}
			}
			return usageError{fmt.Errorf("unknown command %q; see model-signing --help", args[0])}
		},
	}
	root.PersistentFlags().Var(logLevel{level}, "log-level", "DEBUG, INFO, WARNING or ERROR")
	addOutput(root)
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTime}))
	root.AddCommand(newDigest(log), newSign(log), newVerify(log), newInspect(), newProvenance(log), newPlan(log), newMerge(log))
	return root
}

// version returns that of the module, as "go install" has recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// logLevel is a flag that takes the names of the Python command.
type logLevel struct{ level *slog.LevelVar }

func (l logLevel) String() string { return l.level.Level().String() }
func (l logLevel) Type() string   { return "LEVEL" }

func (l logLevel) Set(s string) error {
	switch s = strings.ToUpper(s); s {
	case "WARNING":
		s = "WARN"
	case "CRITICAL":
		s = "ERROR+4"
	}
	if l.level.UnmarshalText([]byte(s)) != nil {
		return errors.New("is none of DEBUG, INFO, WARNING, ERROR")
	}
	return nil
}

// exactlyOneModel is what every command takes.
func exactlyOneModel(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usageError{fmt.Errorf("the path of a MODEL is missing")}
	case 1:
		return notEmptyPaths("MODEL", args)
	}
	return usageError{fmt.Errorf("one MODEL is expected, not %d: %q", len(args), args)}
}

// notEmptyPaths refuses what a variable that was not set makes of an argument.
func notEmptyPaths(what string, args []string) error {
	if slices.Contains(args, "") {
		return usageError{fmt.Errorf("the path of a %s is empty", what)}
	}
	return nil
}

// group is a command that holds one for each method. Without a method's name it is the first itself, which is
// therefore made twice.
func group(use, short string, first func() *cobra.Command, others ...*cobra.Command) *cobra.Command {
	c := first()
	c.Use, c.Short = use+" MODEL", short
	c.AddCommand(first())
	c.AddCommand(others...)
	return c
}
