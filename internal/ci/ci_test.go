package ci_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/ci"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	secret = "s3cret-t0ken"
	commit = "0123456789abcdef0123456789abcdef01234567"
)

// environments are what jobs of the five systems have, secrets included.
var environments = map[ci.System]map[string]string{
	ci.GitHub: {
		"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "octo/models",
		"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": commit, "GITHUB_WORKFLOW_REF": "octo/models/.github/workflows/train.yml@refs/heads/main",
		"GITHUB_WORKFLOW_SHA": commit, "GITHUB_RUN_ID": "1658821493", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_EVENT_NAME": "workflow_dispatch",
		"GITHUB_JOB": "train", "GITHUB_REPOSITORY_ID": "74", "GITHUB_REPOSITORY_OWNER_ID": "65", "RUNNER_ENVIRONMENT": "github-hosted",
		"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "GITHUB_WORKFLOW": "train", "GITHUB_ACTOR": "octocat", "GITHUB_TOKEN": secret,
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret, "ACTIONS_ID_TOKEN_REQUEST_URL": "https://example.com/?token=" + secret,
		"ACTIONS_RUNTIME_TOKEN": secret, "INPUT_TOKEN": secret, "HF_TOKEN": secret,
	},
	ci.GitLab: {
		"CI": "true", "GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.example.com/group/sub/models", "CI_COMMIT_SHA": commit,
		"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main", "CI_CONFIG_PATH": ".gitlab-ci.yml", "CI_PROJECT_ID": "12",
		"CI_JOB_URL": "https://gitlab.example.com/group/sub/models/-/jobs/77", "CI_JOB_NAME": "train", "CI_PIPELINE_ID": "5",
		"CI_JOB_STARTED_AT": "2026-03-01T10:20:30+02:00", "CI_PIPELINE_SOURCE": "push", "CI_RUNNER_ID": "9",
		"CI_RUNNER_EXECUTABLE_ARCH": "linux/amd64", "CI_REPOSITORY_URL": "https://gitlab-ci-token:" + secret + "@gitlab.example.com/x.git",
		"CI_JOB_TOKEN": secret, "CI_JOB_JWT_V2": secret, "CI_REGISTRY_PASSWORD": secret, "CI_DEPLOY_PASSWORD": secret,
		"SIGSTORE_ID_TOKEN": secret, "CI_COMMIT_MESSAGE": secret,
	},
	ci.CloudBuild: {
		"BUILDER_OUTPUT": "/builder/outputs", "PROJECT_ID": "my-project", "PROJECT_NUMBER": "1", "LOCATION": "europe-west1",
		"BUILD_ID": "b1f3a1c2-0000-4000-8000-000000000001", "REPO_FULL_NAME": "octo/models", "REPO_NAME": "models", "TAG_NAME": "v1.2",
		"_REPO_URL": "https://x-access-token:" + secret + "@github.com/octo/models.git?" + secret, "COMMIT_SHA": commit, "REVISION_ID": commit,
		"TRIGGER_NAME": "release", "TRIGGER_BUILD_CONFIG_PATH": "cloudbuild.yaml", "_API_KEY": secret, "SERVICE_ACCOUNT_EMAIL": "a@example.com",
	},
	ci.Buildkite: {
		"CI": "true", "BUILDKITE": "true", "BUILDKITE_ORGANIZATION_SLUG": "octo", "BUILDKITE_PIPELINE_SLUG": "models",
		"BUILDKITE_BUILD_URL": "https://buildkite.com/octo/models/builds/42", "BUILDKITE_JOB_ID": "0190-aa", "BUILDKITE_COMMIT": commit,
		"BUILDKITE_REPO": "https://user:" + secret + "@github.com/octo/models.git", "BUILDKITE_BRANCH": "main", "BUILDKITE_SOURCE": "webhook",
		"BUILDKITE_STEP_KEY": "train", "BUILDKITE_BUILD_NUMBER": "42", "BUILDKITE_RETRY_COUNT": "0", "BUILDKITE_AGENT_ACCESS_TOKEN": secret,
		"BUILDKITE_AGENT_JOB_API_TOKEN": secret, "BUILDKITE_MESSAGE": secret, "BUILDKITE_COMMAND": "train --token " + secret,
	},
	ci.Tekton: {
		"TEKTON_BUILDER_ID": "https://tekton.example.com/chains", "TEKTON_NAMESPACE": "ml", "TEKTON_PIPELINE": "train",
		"TEKTON_PIPELINE_RUN": "train-x7k2p", "TEKTON_PIPELINE_RUN_UID": "3f1c", "TEKTON_TASK": "fit", "TEKTON_TASK_RUN": "train-x7k2p-fit",
		"TEKTON_TASK_RUN_UID": "77aa", "TEKTON_EVENT": "push", "TEKTON_SOURCE_URL": "git@git.example.com:octo/models.git",
		"TEKTON_SOURCE_REF": "main", "TEKTON_SOURCE_COMMIT": strings.ToUpper(commit), "TEKTON_STARTED_AT": "2026-03-01T10:20:30Z",
		"TEKTON_TOKEN": secret, "KUBECONFIG": secret,
	},
}

func get(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestGolden(t *testing.T) {
	for _, system := range ci.Systems() {
		env := environments[system]
		if got := ci.Detect(get(env)); got != system {
			t.Errorf("%s: detected as %q", system, got)
		}
		b, err := ci.Read(system, get(env))
		if err != nil {
			t.Errorf("%s: %v", system, err)
			continue
		}
		got, err := json.MarshalIndent(b, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", string(system)+".json")
		if *update {
			if err := os.WriteFile(file, append(got, '\n'), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got)+"\n" != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", system, got, want)
		}
	}
}

// No value of a variable that is not in the list is ever asked for, whatever the environment.
func TestOnlyListedVariables(t *testing.T) {
	for _, system := range ci.Systems() {
		asked := 0
		_, err := ci.Read(system, func(name string) string {
			if asked++; !slices.Contains(ci.Variables(system), name) {
				t.Errorf("%s: asks for %s", system, name)
			}
			for _, word := range []string{"TOKEN", "SECRET", "PASSWORD", "KEY", "JWT", "MESSAGE", "COMMAND", "CREDENTIAL"} {
				if strings.Contains(name, word) {
					t.Errorf("%s: asks for %s, which may be a secret", system, name)
				}
			}
			return environments[system][name]
		})
		if err != nil || asked < 8 {
			t.Errorf("%s: asked for %d variables, %v", system, asked, err)
		}
	}
}

// The page for users has all of them.
func TestDocumentedVariables(t *testing.T) {
	page, err := os.ReadFile("../../docs/affected.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range ci.Systems() {
		for _, name := range ci.Variables(system) {
			if !regexp.MustCompile(`\b` + name + `\b`).Match(page) {
				t.Errorf("%s: %s is read, and not in docs/affected.md", system, name)
			}
		}
	}
}

// Neither what is read nor what is said about bad values holds a secret, where each variable in turn has a URL with one.
func TestNoSecrets(t *testing.T) {
	for _, system := range ci.Systems() {
		for _, name := range ci.Variables(system) {
			for _, url := range []string{
				"https://user:" + secret + "@example.com/x", "https://" + secret + "@example.com/x", "https://example.com/x?t=" + secret,
				"https://example.com/x#" + secret, "https://us er:" + secret + "@example.com/", "user:" + secret + "@example.com:x",
			} {
				if !strings.Contains(url, "://") && !strings.HasSuffix(name, "_URL") && name != "BUILDKITE_REPO" {
					continue // this one is no URL anywhere else
				}
				b, err := ci.Read(system, func(n string) string {
					if n == name {
						return url
					}
					return environments[system][n]
				})
				if s := fmt.Sprintf("%+v %v", b, err); strings.Contains(s, secret) {
					t.Errorf("%s, %s: shows the secret of %s: %s", system, name, url, s)
				}
			}
		}
	}
}

func TestVariants(t *testing.T) {
	for _, c := range []struct {
		system ci.System
		change map[string]string
		check  func(ci.Build) (got, want string)
	}{
		{ci.GitHub, map[string]string{"GITHUB_SERVER_URL": "https://ghe.example.com/"},
			func(b ci.Build) (string, string) { return b.Source.URI, "https://ghe.example.com/octo/models" }},
		{ci.GitHub, map[string]string{"GITHUB_RUN_ATTEMPT": ""},
			func(b ci.Build) (string, string) {
				return b.InvocationID, "https://github.com/octo/models/actions/runs/1658821493"
			}},
		{ci.GitLab, map[string]string{"CI_COMMIT_TAG": "v1", "CI_COMMIT_BRANCH": ""},
			func(b ci.Build) (string, string) {
				return b.BuilderID, "https://gitlab.example.com/group/sub/models//.gitlab-ci.yml@refs/tags/v1"
			}},
		{ci.GitLab, map[string]string{"CI_MERGE_REQUEST_REF_PATH": "refs/merge-requests/1/head", "CI_COMMIT_BRANCH": ""},
			func(b ci.Build) (string, string) { return b.Source.Ref, "refs/merge-requests/1/head" }},
		{ci.GitLab, map[string]string{"CI_CONFIG_PATH": "ci.yml@other/project"},
			func(b ci.Build) (string, string) { return b.BuilderID + b.EntryPoint, "" }},
		{ci.GitLab, map[string]string{"CI_CONFIG_PATH": "https://example.com/ci.yml"},
			func(b ci.Build) (string, string) { return b.BuilderID + b.EntryPoint, "" }},
		{ci.GitLab, map[string]string{"CI_PIPELINE_SOURCE": "https://example.com/x"},
			func(b ci.Build) (string, string) { return b.Event, "" }},
		{ci.CloudBuild, map[string]string{"LOCATION": "", "TAG_NAME": "", "BRANCH_NAME": "main"},
			func(b ci.Build) (string, string) { return b.Source.Ref, "refs/heads/main" }},
		{ci.Buildkite, map[string]string{"BUILDKITE_TAG": "v1"},
			func(b ci.Build) (string, string) { return b.Source.Ref, "refs/tags/v1" }},
		{ci.Tekton, map[string]string{"TEKTON_PIPELINE_RUN": "", "TEKTON_SOURCE_REF": "refs/tags/v1"},
			func(b ci.Build) (string, string) {
				return b.InvocationID + " " + b.Source.Ref, "tekton:ml/taskruns/train-x7k2p-fit/77aa refs/tags/v1"
			}},
	} {
		b, err := ci.Read(c.system, changed(c.system, c.change))
		if err != nil {
			t.Errorf("%s, %v: %v", c.system, c.change, err)
		} else if got, want := c.check(b); got != want {
			t.Errorf("%s, %v: got %q, want %q", c.system, c.change, got, want)
		}
	}
}

func changed(s ci.System, change map[string]string) func(string) string {
	return func(name string) string {
		if v, ok := change[name]; ok {
			return v
		}
		return environments[s][name]
	}
}

// A bad value is an error that names the variable.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		system         ci.System
		variable, text string
	}{
		{ci.GitHub, "GITHUB_REPOSITORY", ""},
		{ci.GitHub, "GITHUB_REPOSITORY", "octo"},
		{ci.GitHub, "GITHUB_REPOSITORY", "octo/models/x"},
		{ci.GitHub, "GITHUB_WORKFLOW_REF", "evil/models/.github/workflows/train.yml@refs/heads/main"},
		{ci.GitHub, "GITHUB_WORKFLOW_REF", "octo/models/x"},
		{ci.GitHub, "GITHUB_SERVER_URL", "github.com"},
		{ci.GitHub, "GITHUB_SERVER_URL", "javascript://x"},
		{ci.GitHub, "GITHUB_SERVER_URL", ""},
		{ci.GitHub, "GITHUB_SHA", "0123456"},
		{ci.GitHub, "GITHUB_SHA", strings.Repeat("g", 40)},
		{ci.GitHub, "GITHUB_RUN_ID", ""},
		{ci.GitHub, "GITHUB_REF", "refs/heads/a\nb"},
		{ci.GitHub, "GITHUB_REF", "refs/heads/\x00"},
		{ci.GitHub, "GITHUB_EVENT_NAME", strings.Repeat("x", 3000)},
		{ci.GitLab, "CI_PROJECT_URL", ""},
		{ci.GitLab, "CI_JOB_STARTED_AT", "yesterday"},
		{ci.CloudBuild, "BUILD_ID", ""},
		{ci.CloudBuild, "_REPO_URL", "models"},
		{ci.Buildkite, "BUILDKITE_COMMIT", "HEAD"},
		{ci.Buildkite, "BUILDKITE_REPO", "/var/repositories/x"},
		{ci.Tekton, "TEKTON_BUILDER_ID", ""},
		{ci.Tekton, "TEKTON_NAMESPACE", ""},
	} {
		b, err := ci.Read(c.system, changed(c.system, map[string]string{c.variable: c.text}))
		var bad *ci.Error
		if !errors.As(err, &bad) || bad.Variable != c.variable || b != (ci.Build{}) {
			t.Errorf("%s, %s=%.40q: got %+v, %v", c.system, c.variable, c.text, b, err)
		}
	}
	if _, err := ci.Read("jenkins", os.Getenv); err == nil {
		t.Error("reads a system that it does not know")
	}
	if got := ci.Detect(func(string) string { return "" }); got != "" {
		t.Errorf("an empty environment is detected as %q", got)
	}
	if b, err := ci.Read(ci.GitLab, get(environments[ci.GitLab])); err != nil || b.Started.Location() != time.UTC {
		t.Errorf("got %v, %v", b.Started, err)
	}
}
