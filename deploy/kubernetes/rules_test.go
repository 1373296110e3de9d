package kubernetes

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// retries says what is wrong with what happens after a pod has failed. The API
// server holds Jobs against the first three rules too.
func retries(job *batchv1.Job) (list []string) {
	say := func(wrong bool, text string) {
		if wrong {
			list = append(list, text)
		}
	}
	spec := &job.Spec
	indexed := spec.CompletionMode != nil && *spec.CompletionMode == batchv1.IndexedCompletion
	say(spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever, "podFailurePolicy needs restartPolicy: Never")
	say((spec.BackoffLimitPerIndex != nil) != indexed, "backoffLimitPerIndex is for Indexed, and Indexed here needs it")
	say(spec.PodReplacementPolicy == nil || *spec.PodReplacementPolicy != batchv1.Failed, "a pod would be replaced while it ends: two of one part")
	say(spec.PodFailurePolicy == nil, "there is no podFailurePolicy")
	if spec.PodFailurePolicy == nil {
		return list
	}
	final := batchv1.PodFailurePolicyActionFailJob
	if indexed {
		final = batchv1.PodFailurePolicyActionFailIndex
	}
	say(action(spec, 3, false) != final, "exit status 3 does not end it for good")
	say(action(spec, 2, false) != batchv1.PodFailurePolicyActionFailJob, "wrong arguments do not end the Job")
	say(action(spec, 137, true) != batchv1.PodFailurePolicyActionIgnore, "an eviction counts as a failure")
	say(action(spec, 3, true) != batchv1.PodFailurePolicyActionIgnore, "an eviction counts before what the program said meanwhile")
	for _, status := range [...]int32{1, 130, 137} {
		say(action(spec, status, false) != batchv1.PodFailurePolicyActionCount, fmt.Sprintf("exit status %d is not tried again", status))
	}
	return list
}

// action is what the rules say of a pod that has failed: the first that fits.
func action(spec *batchv1.JobSpec, status int32, disrupted bool) batchv1.PodFailurePolicyAction {
	for _, rule := range spec.PodFailurePolicy.Rules {
		if disrupted && slices.ContainsFunc(rule.OnPodConditions, func(c batchv1.PodFailurePolicyOnPodConditionsPattern) bool {
			return c.Type == corev1.DisruptionTarget && (c.Status == "" || c.Status == corev1.ConditionTrue)
		}) {
			return rule.Action
		}
		if on := rule.OnExitCodes; on != nil && on.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn && slices.Contains(on.Values, status) {
			return rule.Action
		}
	}
	return batchv1.PodFailurePolicyActionCount
}

// confined says what a pod may do that it need not, and what it may take.
func confined(pod *corev1.PodSpec) (list []string) {
	say := func(ok bool, text string) {
		if !ok {
			list = append(list, text)
		}
	}
	is := func(b *bool, want bool) bool { return b != nil && *b == want }
	say(len(pod.Containers) == 1 && pod.Containers[0].Name == "storeconv" && len(pod.InitContainers) == 0, "one container, storeconv")
	say(is(pod.AutomountServiceAccountToken, false), "the token of the service account is there")
	sc := pod.SecurityContext
	say(sc != nil && is(sc.RunAsNonRoot, true) && sc.RunAsUser != nil && *sc.RunAsUser != 0, "it may run as root")
	say(sc != nil && sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault, "no seccompProfile")
	for _, c := range pod.Containers {
		cc := c.SecurityContext
		say(cc != nil && is(cc.AllowPrivilegeEscalation, false), "it may gain privileges")
		say(cc != nil && is(cc.ReadOnlyRootFilesystem, true), "its root is not read-only")
		say(cc != nil && cc.Capabilities != nil && slices.Equal(cc.Capabilities.Drop, []corev1.Capability{"ALL"}) && len(cc.Capabilities.Add) == 0, "it has capabilities")
		limit, asked := c.Resources.Limits.Memory().Value(), c.Resources.Requests.Memory().Value()
		say(limit >= 256<<20, "the limit of memory is below what storeconv may take")
		say(limit == asked, "it may be killed for the memory of others")
		say(!c.Resources.Requests.Cpu().IsZero(), "it asks for no processor")
	}
	return list
}

// mounted says what is wrong with the volumes.
func (s *site) mounted(pod *corev1.PodSpec) (list []string) {
	volumes := make(map[string]corev1.Volume)
	for _, v := range pod.Volumes {
		volumes[v.Name] = v
		if claim := v.PersistentVolumeClaim; claim != nil && s.claims[claim.ClaimName] == nil {
			list = append(list, "no claim "+claim.ClaimName)
		}
	}
	writable := make(map[string]bool)
	for _, c := range pod.Containers {
		for _, m := range c.VolumeMounts {
			if _, there := volumes[m.Name]; !there {
				list = append(list, "no volume "+m.Name)
			}
			writable[m.MountPath] = !m.ReadOnly
		}
	}
	if source, there := writable["/source"]; !there || source {
		list = append(list, "the source is not mounted read-only")
	}
	if !writable["/work"] || !writable["/tmp"] {
		list = append(list, "there is no place to write to")
	}
	return list
}
