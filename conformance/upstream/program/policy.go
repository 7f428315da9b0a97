// Builds the authorizer of the API server from roles and bindings: the same rule resolver, over the same indexed
// listers that its informers fill. Nothing watches; the indexes are filled once.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/union"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-helpers/auth/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
)

// Objects of rbac.authorization.k8s.io/v1 by kind.
type objects struct {
	Roles               []*rbacv1.Role
	ClusterRoles        []*rbacv1.ClusterRole
	RoleBindings        []*rbacv1.RoleBinding
	ClusterRoleBindings []*rbacv1.ClusterRoleBinding
}

type policy struct {
	roles, clusterRoles, roleBindings, clusterRoleBindings cache.Indexer

	// Roles alone.
	rbac authorizer.Authorizer
	// As an API server asks: members of system:masters pass before any role is looked at.
	all authorizer.Authorizer
}

func parsePolicy(text []byte) (*policy, error) {
	var objects objects
	if err := json.Unmarshal(text, &objects); err != nil {
		return nil, fmt.Errorf("the policy is no JSON of the right form: %v", err)
	}
	return build(&objects)
}

func build(objects *objects) (*policy, error) {
	if err := aggregate(objects.ClusterRoles); err != nil {
		return nil, err
	}
	policy := &policy{
		roles:               newIndexer(),
		clusterRoles:        newIndexer(),
		roleBindings:        newIndexer(),
		clusterRoleBindings: newIndexer(),
	}
	for _, object := range objects.Roles {
		if err := policy.roles.Add(object); err != nil {
			return nil, err
		}
	}
	for _, object := range objects.ClusterRoles {
		if err := policy.clusterRoles.Add(object); err != nil {
			return nil, err
		}
	}
	for _, object := range objects.RoleBindings {
		if err := policy.roleBindings.Add(object); err != nil {
			return nil, err
		}
	}
	for _, object := range objects.ClusterRoleBindings {
		if err := policy.clusterRoleBindings.Add(object); err != nil {
			return nil, err
		}
	}
	policy.rbac = rbac.New(
		&rbac.RoleGetter{Lister: rbaclisters.NewRoleLister(policy.roles)},
		&rbac.RoleBindingLister{Lister: rbaclisters.NewRoleBindingLister(policy.roleBindings)},
		&rbac.ClusterRoleGetter{Lister: rbaclisters.NewClusterRoleLister(policy.clusterRoles)},
		&rbac.ClusterRoleBindingLister{Lister: rbaclisters.NewClusterRoleBindingLister(policy.clusterRoleBindings)},
	)
	policy.all = union.New(authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup), policy.rbac)
	return policy, nil
}

func newIndexer() cache.Indexer {
	return cache.NewIndexer(
		cache.MetaNamespaceKeyFunc,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
	)
}

// aggregate does what a controller of the cluster does in the course of time: the rules of an aggregated role are
// those of the roles that it selects. Rules that it had before do not count.
func aggregate(roles []*rbacv1.ClusterRole) error {
	for _, role := range roles {
		if role.AggregationRule != nil {
			role.Rules = nil
		}
	}
	for changed := true; changed; {
		changed = false
		for _, role := range roles {
			if role.AggregationRule == nil {
				continue
			}
			rules, err := selectedRules(role, roles)
			if err != nil {
				return err
			}
			if len(rules) != len(role.Rules) {
				role.Rules = rules
				changed = true
			}
		}
	}
	return nil
}

func selectedRules(aggregated *rbacv1.ClusterRole, roles []*rbacv1.ClusterRole) ([]rbacv1.PolicyRule, error) {
	var rules []rbacv1.PolicyRule
	for index := range aggregated.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&aggregated.AggregationRule.ClusterRoleSelectors[index])
		if err != nil {
			return nil, err
		}
		for _, role := range roles {
			if role.Name == aggregated.Name || !selector.Matches(labels.Set(role.Labels)) {
				continue
			}
			for _, rule := range role.Rules {
				if !contains(rules, rule) {
					rules = append(rules, rule)
				}
			}
		}
	}
	return rules, nil
}

func contains(rules []rbacv1.PolicyRule, wanted rbacv1.PolicyRule) bool {
	for _, rule := range rules {
		if reflect.DeepEqual(rule, wanted) {
			return true
		}
	}
	return false
}

func (p *policy) allowsAnybody(request *attributes) bool {
	decision, _, _ := p.all.Authorize(context.Background(), request)
	return decision == authorizer.DecisionAllow
}

func (p *policy) allows(request *attributes) bool {
	decision, _, _ := p.rbac.Authorize(context.Background(), request)
	return decision == authorizer.DecisionAllow
}

// covers says for each pair whether the rules that somebody has cover those that he wants to give.
func covers(text []byte) ([]byte, error) {
	var pairs [][2][]rbacv1.PolicyRule
	if err := json.Unmarshal(text, &pairs); err != nil {
		return nil, fmt.Errorf("the pairs of rules are no JSON of the right form: %v", err)
	}
	verdicts := make([]byte, len(pairs))
	for index, pair := range pairs {
		if covered, _ := validation.Covers(pair[0], pair[1]); covered {
			verdicts[index] = 1
		}
	}
	return verdicts, nil
}
