//! Networks and kernels (address plans, ports, kernel parameters, load balancers): nothing is here yet.
