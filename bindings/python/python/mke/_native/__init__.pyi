from mke._native import admission as admission
from mke._native import agent as agent
from mke._native import client as client
from mke._native import config as config
from mke._native import errors as errors
from mke._native import identity as identity
from mke._native import net as net
from mke._native import pki as pki
from mke._native import rbac as rbac

VERSION: str
