package k8scheck_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

const manifests = "../../examples/kubernetes"

// job reads a manifest as the API's types, in which every field must be known and be there once.
func job(t *testing.T, name string) *batch.Job {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(manifests, name))
	if err != nil {
		t.Fatal(err)
	}
	j, err := parse(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return j
}

// parse is as strict as the API server is with what kubectl sends it.
func parse(data []byte) (*batch.Job, error) {
	doc, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, err
	}
	j := new(batch.Job)
	unknown, err := json.UnmarshalStrict(doc, j)
	return j, errors.Join(append(unknown, err)...)
}

func TestSchema(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	if err != nil || len(names) != 3 {
		t.Fatalf("found %q, %v", names, err)
	}
	for _, path := range names {
		name := filepath.Base(path)
		j := job(t, name)
		if j.APIVersion != "batch/v1" || j.Kind != "Job" {
			t.Errorf("%s is a %s of %s", name, j.Kind, j.APIVersion)
		}
		checkPolicy(t, name, j)
		checkPod(t, name, &j.Spec.Template.Spec)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, edit := range [][2]string{{"backoffLimit", "backofLimit"}, {"onExitCodes", "onExitCode"}, {"restartPolicy: Never", "restartPolicy: 1"},
			{"kind: Job", "kind: Job\nkind: Job"}, {"readOnly: true", "readonly: true"}} {
			bad := strings.Replace(string(data), edit[0], edit[1], 1)
			if _, err := parse([]byte(bad)); err == nil || bad == string(data) {
				t.Errorf("%s: %s is taken", name, edit[1])
			}
		}
	}
}

// checkPolicy sees to what the API server asks for besides the schema.
func checkPolicy(t *testing.T, name string, j *batch.Job) {
	t.Helper()
	if j.Spec.Template.Spec.RestartPolicy != core.RestartPolicyNever {
		t.Errorf("%s: a policy for failures needs restartPolicy Never", name)
	}
	var containers []string
	for _, c := range slices.Concat(j.Spec.Template.Spec.InitContainers, j.Spec.Template.Spec.Containers) {
		containers = append(containers, c.Name)
	}
	for i, r := range j.Spec.PodFailurePolicy.Rules {
		if (r.OnExitCodes == nil) == (len(r.OnPodConditions) == 0) {
			t.Errorf("%s: rule %d is not about either exit codes or conditions", name, i)
		}
		if !slices.Contains([]batch.PodFailurePolicyAction{batch.PodFailurePolicyActionFailJob, batch.PodFailurePolicyActionIgnore,
			batch.PodFailurePolicyActionCount}, r.Action) {
			t.Errorf("%s: rule %d has the action %q", name, i, r.Action)
		}
		if codes := r.OnExitCodes; codes != nil {
			if !slices.IsSorted(codes.Values) || slices.Contains(codes.Values, 0) || codes.Operator != batch.PodFailurePolicyOnExitCodesOpIn {
				t.Errorf("%s: rule %d has the codes %v %v", name, i, codes.Operator, codes.Values)
			}
			if codes.ContainerName == nil || !slices.Contains(containers, *codes.ContainerName) {
				t.Errorf("%s: rule %d is about no container", name, i)
			}
			if slices.Contains(codes.Values, 3) {
				t.Errorf("%s: what could not be read is worth another try", name)
			}
		}
	}
}

// checkPod sees that every volume is there, and that nothing but work is writable.
func checkPod(t *testing.T, name string, p *core.PodSpec) {
	t.Helper()
	for _, c := range slices.Concat(p.InitContainers, p.Containers) {
		for _, m := range c.VolumeMounts {
			if !slices.ContainsFunc(p.Volumes, func(v core.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("%s: %s mounts %s, which is not there", name, c.Name, m.Name)
			}
			if m.ReadOnly == (m.Name == "work") {
				t.Errorf("%s: %s mounts %s with readOnly %v", name, c.Name, m.Name, m.ReadOnly)
			}
			if m.Name == "key" && c.Name != "sign" {
				t.Errorf("%s: %s sees the key", name, c.Name)
			}
		}
	}
}

// All of them speak of the same number of slices, and of the same files.
func TestSlices(t *testing.T) {
	plan, slicesJob, merge := job(t, "plan.yaml"), job(t, "slices.yaml"), job(t, "merge.yaml")
	spec := slicesJob.Spec
	if spec.CompletionMode == nil || *spec.CompletionMode != batch.IndexedCompletion || spec.BackoffLimitPerIndex == nil || spec.BackoffLimit != nil {
		t.Fatalf("slices.yaml is not indexed, with tries for each index: %+v", spec)
	}
	const n = "16"
	for what, args := range map[string][]string{
		"--slices": plan.Spec.Template.Spec.Containers[0].Args,
		"--slice":  spec.Template.Spec.Containers[0].Args,
	} {
		i := slices.Index(args, what)
		if i < 0 || strings.TrimPrefix(args[i+1], "$(SLICE)/") != n {
			t.Errorf("%q: %s is not %s", args, what, n)
		}
	}
	if *spec.Completions != 16 || *spec.MaxFailedIndexes >= *spec.Completions {
		t.Errorf("%d completions, %d failed ones", *spec.Completions, *spec.MaxFailedIndexes)
	}
	rule := merge.Spec.PodFailurePolicy.Rules[0]
	if rule.Action != batch.PodFailurePolicyActionIgnore || !slices.Equal(rule.OnExitCodes.Values, []int32{6}) || merge.Spec.ActiveDeadlineSeconds == nil {
		t.Errorf("merging does not wait for the slices: %+v", rule)
	}
}

// Each run has a directory of its own, so that the parts of an earlier one are not merged.
func TestRun(t *testing.T) {
	found := 0
	for _, name := range []string{"plan.yaml", "slices.yaml", "merge.yaml"} {
		pod := job(t, name).Spec.Template.Spec
		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			for _, arg := range c.Args {
				if strings.HasPrefix(arg, "/slices/") {
					found++
					if !strings.HasPrefix(arg, "/slices/run-1/") {
						t.Errorf("%s: %s is the same in each run", name, arg)
					}
				}
			}
		}
	}
	if found != 8 {
		t.Errorf("found %d paths", found)
	}
}
