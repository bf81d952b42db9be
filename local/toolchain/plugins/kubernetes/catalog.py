"""The resource types that are supported, and what each of them needs to know: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provider.plugin import PluginError

PACKAGE = "kubernetes"

_SELECTOR = ("spec.selector",)
_ROLE = ("roleRef",)
_POD = (
    *(
        f"spec.{name}"
        for name in [
            "affinity",
            "automountServiceAccountToken",
            "dnsConfig",
            "dnsPolicy",
            "enableServiceLinks",
            "hostAliases",
            "hostIPC",
            "hostNetwork",
            "hostPID",
            "hostname",
            "imagePullSecrets",
            "nodeName",
            "nodeSelector",
            "overhead",
            "preemptionPolicy",
            "priority",
            "priorityClassName",
            "readinessGates",
            "restartPolicy",
            "runtimeClassName",
            "schedulerName",
            "securityContext",
            "serviceAccount",
            "serviceAccountName",
            "shareProcessNamespace",
            "subdomain",
            "terminationGracePeriodSeconds",
            "volumes",
        ]
    ),
    *(
        f"spec.{containers}[*].{name}"
        for containers in ("containers", "initContainers")
        for name in [
            "args",
            "command",
            "env",
            "image",
            "imagePullPolicy",
            "lifecycle",
            "livenessProbe",
            "ports",
            "readinessProbe",
            "resources",
            "securityContext",
            "stdin",
            "stdinOnce",
            "terminationMessagePath",
            "terminationMessagePolicy",
            "tty",
            "volumeDevices",
            "volumeMounts",
            "workingDir",
        ]
    ),
)

# apiVersion: kind, its plural in API paths, whether it lives in a namespace, the properties whose change makes the
# object anew (beside name and namespace). The last column is pulumi-kubernetes' provider/pkg/provider/diff.go.
_BUILT_IN: dict[str, list[tuple[str, str, bool, tuple[str, ...]]]] = {
    "v1": [
        ("Namespace", "namespaces", False, ()),
        ("ConfigMap", "configmaps", True, ()),
        ("Secret", "secrets", True, ("type",)),
        ("Service", "services", True, ("spec.clusterIP",)),
        ("ServiceAccount", "serviceaccounts", True, ()),
        ("ResourceQuota", "resourcequotas", True, ("spec.scopes",)),
        ("LimitRange", "limitranges", True, ()),
        (
            "PersistentVolumeClaim",
            "persistentvolumeclaims",
            True,
            ("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
        ),
        ("Pod", "pods", True, _POD),
    ],
    "apps/v1": [
        ("Deployment", "deployments", True, _SELECTOR),
        ("DaemonSet", "daemonsets", True, _SELECTOR),
        (
            "StatefulSet",
            "statefulsets",
            True,
            (
                "spec.podManagementPolicy",
                "spec.revisionHistoryLimit",
                "spec.selector",
                "spec.serviceName",
                "spec.volumeClaimTemplates",
            ),
        ),
    ],
    "batch/v1": [
        ("Job", "jobs", True, ("spec.completions", "spec.parallelism", "spec.selector", "spec.template")),
        ("CronJob", "cronjobs", True, ()),
    ],
    "autoscaling/v2": [("HorizontalPodAutoscaler", "horizontalpodautoscalers", True, ())],
    "policy/v1": [("PodDisruptionBudget", "poddisruptionbudgets", True, ())],
    "networking.k8s.io/v1": [
        ("NetworkPolicy", "networkpolicies", True, ()),
        ("Ingress", "ingresses", True, ()),
        ("IngressClass", "ingressclasses", False, ()),
    ],
    "rbac.authorization.k8s.io/v1": [
        ("Role", "roles", True, ()),
        ("RoleBinding", "rolebindings", True, _ROLE),
        ("ClusterRole", "clusterroles", False, ()),
        ("ClusterRoleBinding", "clusterrolebindings", False, _ROLE),
    ],
    "scheduling.k8s.io/v1": [("PriorityClass", "priorityclasses", False, ())],
    "storage.k8s.io/v1": [("StorageClass", "storageclasses", False, ("parameters", "provisioner"))],
    "admissionregistration.k8s.io/v1": [
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies", False, ()),
        ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", False, ()),
    ],
    "apiextensions.k8s.io/v1": [("CustomResourceDefinition", "customresourcedefinitions", False, ())],
}

# Custom resources of these API groups; their plurals and scopes are asked of the cluster.
CUSTOM_GROUPS = (
    "cert-manager.io",
    "external-secrets.io",
    "helm.cattle.io",
    "k3s.cattle.io",
    "monitoring.coreos.com",
    "traefik.io",
)


@dataclass(frozen=True)
class Api:
    """Where the objects of one kind are found in the API."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    replace: tuple[str, ...] = ()

    def path(self, namespace: str, name: str | None = None) -> str:
        """The path of an object, or of the collection when ``name`` is None. An empty namespace means "default"."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{namespace or 'default'}" if self.namespaced else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name is not None else "")


BUILT_IN: Mapping[tuple[str, str], Api] = {
    (api_version, kind): Api(api_version, kind, plural, namespaced, replace)
    for api_version, kinds in _BUILT_IN.items()
    for kind, plural, namespaced, replace in kinds
}


def token(api_version: str, kind: str) -> str:
    """The type token of a built-in kind, as Pulumi's SDKs write it (``kubernetes:core/v1:ConfigMap``)."""
    return f"{PACKAGE}:{api_version if '/' in api_version else f'core/{api_version}'}:{kind}"


TOKENS = tuple(sorted(token(api_version, kind) for api_version, kind in BUILT_IN))


def group_version_kind(type_token: str) -> tuple[str, str]:
    """The apiVersion and kind that a type token names. Raises ``PluginError`` for one that isn't supported."""
    package, _, rest = type_token.partition(":")
    module, _, kind = rest.partition(":")
    group, _, version = module.partition("/")
    if package == PACKAGE and version and kind:
        api_version = version if group == "core" else module
        if (api_version, kind) in BUILT_IN or group in CUSTOM_GROUPS:
            return api_version, kind
    raise PluginError(
        f"resource type {type_token!r} isn't supported in local environments; these are: {', '.join(TOKENS)}, "
        f"and custom resources of the groups {', '.join(CUSTOM_GROUPS)}"
    )
