package ci

import (
	"fmt"
	"slices"
	"strings"
)

// variables are all that is ever read, by system.
var variables = map[System][]string{
	GitHub: {"GITHUB_ACTIONS", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_REF", "GITHUB_SHA", "GITHUB_WORKFLOW_REF",
		"GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_EVENT_NAME"},
	GitLab: {"GITLAB_CI", "CI_PROJECT_URL", "CI_CONFIG_PATH", "CI_COMMIT_SHA", "CI_COMMIT_TAG", "CI_COMMIT_BRANCH",
		"CI_MERGE_REQUEST_REF_PATH", "CI_COMMIT_REF_NAME", "CI_JOB_URL", "CI_JOB_STARTED_AT", "CI_PIPELINE_SOURCE"},
	CloudBuild: {"BUILDER_OUTPUT", "PROJECT_ID", "LOCATION", "BUILD_ID", "_REPO_URL", "COMMIT_SHA", "BRANCH_NAME",
		"TAG_NAME", "TRIGGER_BUILD_CONFIG_PATH"},
	Buildkite: {"BUILDKITE", "BUILDKITE_ORGANIZATION_SLUG", "BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_URL", "BUILDKITE_JOB_ID",
		"BUILDKITE_REPO", "BUILDKITE_COMMIT", "BUILDKITE_BRANCH", "BUILDKITE_TAG", "BUILDKITE_SOURCE"},
	Tekton: {"TEKTON_BUILDER_ID", "TEKTON_NAMESPACE", "TEKTON_PIPELINE", "TEKTON_PIPELINE_RUN", "TEKTON_PIPELINE_RUN_UID", "TEKTON_TASK",
		"TEKTON_TASK_RUN", "TEKTON_TASK_RUN_UID", "TEKTON_EVENT", "TEKTON_SOURCE_URL", "TEKTON_SOURCE_REF", "TEKTON_SOURCE_COMMIT",
		"TEKTON_STARTED_AT"},
}

// Variables returns the names of all variables that are read for a system.
func Variables(s System) []string { return slices.Clone(variables[s]) }

// Detect returns the system whose environment this is, or an empty string. Get is os.Getenv, or like it. Cloud Build is
// known by the folder that it gives to steps, Tekton by the variables that its user has set.
func Detect(get func(string) string) System {
	switch {
	case get("GITHUB_ACTIONS") == "true":
		return GitHub
	case get("GITLAB_CI") == "true":
		return GitLab
	case get("BUILDKITE") == "true":
		return Buildkite
	case get("BUILDER_OUTPUT") == "/builder/outputs" && get("BUILD_ID") != "":
		return CloudBuild
	case get("TEKTON_PIPELINE_RUN") != "" || get("TEKTON_TASK_RUN") != "":
		return Tekton
	}
	return ""
}

// Read reads the environment of a system. Get is os.Getenv, or like it. An error is an *[Error], or says that the system
// is not known.
func Read(s System, get func(string) string) (Build, error) {
	read, ok := map[System]func(*environment) Build{
		GitHub: github, GitLab: gitlab, CloudBuild: cloudBuild, Buildkite: buildkite, Tekton: tekton,
	}[s]
	if !ok {
		return Build{}, fmt.Errorf("%q is no system for continuous integration that is known: %q are", string(s), Systems())
	}
	e := &environment{get: get, allowed: variables[s]}
	b := read(e)
	if e.err != nil {
		return Build{}, e.err
	}
	return b, nil
}

// github reads the variables that GitHub documents as the default ones. They do not name a reusable workflow: the builder
// is the workflow that was started, and where that calls one that signs, the caller of this function must say so.
func github(e *environment) Build {
	server := strings.TrimSuffix(e.url("GITHUB_SERVER_URL"), "/")
	if server == "" {
		e.fail("GITHUB_SERVER_URL", "is not set")
	}
	repository, workflow := e.need("GITHUB_REPOSITORY"), e.need("GITHUB_WORKFLOW_REF")
	if owner, name, ok := strings.Cut(repository, "/"); !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		e.fail("GITHUB_REPOSITORY", "is not OWNER/NAME")
	}
	path, _, ok := strings.Cut(workflow, "@")
	if !ok || !strings.HasPrefix(path, repository+"/") {
		e.fail("GITHUB_WORKFLOW_REF", "is not a workflow of the repository")
	}
	run, attempt := e.need("GITHUB_RUN_ID"), e.first("GITHUB_RUN_ATTEMPT")
	invocation := server + "/" + repository + "/actions/runs/" + run
	if attempt != "" {
		invocation += "/attempts/" + attempt
	}
	return Build{
		BuilderID:    server + "/" + workflow,
		InvocationID: invocation,
		Source:       Source{server + "/" + repository, e.value("GITHUB_REF"), e.commit("GITHUB_SHA")},
		EntryPoint:   strings.TrimPrefix(path, repository+"/"),
		Event:        e.value("GITHUB_EVENT_NAME"),
	}
}

// gitlab reads GitLab's predefined variables. The builder is written as certificates of GitLab's tokens have it. A
// configuration from another project or a URL cannot be told that way, and leaves the builder to the caller.
func gitlab(e *environment) Build {
	project, config := e.url("CI_PROJECT_URL"), e.raw("CI_CONFIG_PATH")
	if project == "" {
		e.fail("CI_PROJECT_URL", "is not set")
	}
	if config == "" {
		config = ".gitlab-ci.yml"
	}
	at := e.value("CI_MERGE_REQUEST_REF_PATH")
	if at == "" {
		at = ref(e.value("CI_COMMIT_TAG"), e.first("CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME"))
	}
	b := Build{
		InvocationID: e.url("CI_JOB_URL"),
		Started:      e.time("CI_JOB_STARTED_AT"),
		Source:       Source{project, at, e.commit("CI_COMMIT_SHA")},
		Event:        e.value("CI_PIPELINE_SOURCE"),
	}
	if !strings.ContainsAny(config, "@:?#") {
		b.EntryPoint = config
		if at != "" {
			b.BuilderID = project + "//" + config + "@" + at
		}
	}
	return b
}

// cloudBuild reads substitutions, which a step has in its environment only if the build's configuration maps them there,
// one by one or with automapSubstitutions. _REPO_URL, for the source, is a substitution of the user's own.
func cloudBuild(e *environment) Build {
	location := e.value("LOCATION")
	if location == "" {
		location = "global"
	}
	return Build{
		BuilderID: "https://cloudbuild.googleapis.com/GoogleHostedWorker",
		InvocationID: "https://cloudbuild.googleapis.com/v1/projects/" + e.need("PROJECT_ID") + "/locations/" + location +
			"/builds/" + e.need("BUILD_ID"),
		Source:     Source{e.url("_REPO_URL"), ref(e.value("TAG_NAME"), e.value("BRANCH_NAME")), e.commit("COMMIT_SHA")},
		EntryPoint: e.value("TRIGGER_BUILD_CONFIG_PATH"),
	}
}

// buildkite reads the variables that Buildkite sets for every job. What a pipeline runs is uploaded while it runs, so
// there is no entry point but the name of the pipeline.
func buildkite(e *environment) Build {
	pipeline := e.need("BUILDKITE_ORGANIZATION_SLUG") + "/" + e.need("BUILDKITE_PIPELINE_SLUG")
	invocation := e.url("BUILDKITE_BUILD_URL")
	if job := e.value("BUILDKITE_JOB_ID"); job != "" && invocation != "" {
		invocation += "#" + job
	}
	return Build{
		BuilderID:    "https://buildkite.com/" + pipeline,
		InvocationID: invocation,
		Source: Source{e.url("BUILDKITE_REPO"), ref(e.value("BUILDKITE_TAG"), e.value("BUILDKITE_BRANCH")),
			e.commit("BUILDKITE_COMMIT")},
		EntryPoint: e.value("BUILDKITE_PIPELINE_SLUG"),
		Event:      e.value("BUILDKITE_SOURCE"),
	}
}

// tekton reads variables that a task must set from its context and its parameters: Tekton itself sets none.
func tekton(e *environment) Build {
	run, uid := e.value("TEKTON_PIPELINE_RUN"), e.value("TEKTON_PIPELINE_RUN_UID")
	kind := "pipelineruns"
	if run == "" {
		kind, run, uid = "taskruns", e.need("TEKTON_TASK_RUN"), e.value("TEKTON_TASK_RUN_UID")
	}
	invocation := "tekton:" + e.need("TEKTON_NAMESPACE") + "/" + kind + "/" + run
	if uid != "" {
		invocation += "/" + uid
	}
	builder := e.url("TEKTON_BUILDER_ID")
	if builder == "" {
		e.fail("TEKTON_BUILDER_ID", "is not set")
	}
	return Build{
		BuilderID:    builder,
		InvocationID: invocation,
		Started:      e.time("TEKTON_STARTED_AT"),
		Source:       Source{e.url("TEKTON_SOURCE_URL"), ref("", e.value("TEKTON_SOURCE_REF")), e.commit("TEKTON_SOURCE_COMMIT")},
		EntryPoint:   e.first("TEKTON_PIPELINE", "TEKTON_TASK"),
		Event:        e.value("TEKTON_EVENT"),
	}
}
