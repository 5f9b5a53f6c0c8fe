"""The benchmark's work in PyTorch, as one would write it there: the same network in eager mode.

A contestant for bench.ts: reads requests from stdin, one line of JSON each, and answers each with a line.
The arguments are the number of threads and the checkpoint. What the requests mean is in contestant.ts.
"""

import json
import math
import resource
import sys
import time

import torch
import torch.nn as nn
from safetensors.torch import load_file

BETA = 25.0
EPS = 1e-3
LOG_BETA = math.log(BETA)


def std(t):
    return torch.sqrt(torch.expm1(2 * t * LOG_BETA) / (2 * LOG_BETA))


class Embedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.fourier = nn.Module()
        self.fourier.weight = nn.Parameter(torch.randn(128) * 30, requires_grad=False)
        self.linear = nn.Linear(256, 256)

    def forward(self, t):
        angles = t[:, None] * self.fourier.weight[None] * 2 * math.pi
        h = self.linear(torch.cat([angles.sin(), angles.cos()], dim=1))
        return h * torch.sigmoid(h)


class ScoreNet(nn.Module):
    """Names as in the checkpoint; forward as in the article."""

    def __init__(self):
        super().__init__()
        c1, c2, c3, c4 = 32, 64, 128, 256
        self.embed = Embedding()
        for i, channels in enumerate([c1, c2, c3, c4, c3, c2, c1], start=1):
            setattr(self, f"dense{i}", nn.Linear(256, channels))
        self.conv1 = nn.Conv2d(1, c1, 3, bias=False)
        self.conv2 = nn.Conv2d(c1, c2, 3, stride=2, bias=False)
        self.conv3 = nn.Conv2d(c2, c3, 3, stride=2, bias=False)
        self.conv4 = nn.Conv2d(c3, c4, 3, stride=2, bias=False)
        self.gnorm1, self.gnorm2 = nn.GroupNorm(4, c1), nn.GroupNorm(32, c2)
        self.gnorm3, self.gnorm4 = nn.GroupNorm(32, c3), nn.GroupNorm(32, c4)
        self.tconv4 = nn.ConvTranspose2d(c4, c3, 3, stride=2, bias=False)
        self.tconv3 = nn.ConvTranspose2d(2 * c3, c2, 3, stride=2, bias=False, output_padding=1)
        self.tconv2 = nn.ConvTranspose2d(2 * c2, c1, 3, stride=2, bias=False, output_padding=1)
        self.tconv1 = nn.ConvTranspose2d(2 * c1, 1, 3)
        self.tgnorm4, self.tgnorm3 = nn.GroupNorm(32, c3), nn.GroupNorm(32, c2)
        self.tgnorm2 = nn.GroupNorm(32, c1)

    def forward(self, x, t):
        embedding = self.embed(t)

        def act(h, dense, norm):
            h = norm(h + dense(embedding)[:, :, None, None])
            return h * torch.sigmoid(h)

        h1 = act(self.conv1(x), self.dense1, self.gnorm1)
        h2 = act(self.conv2(h1), self.dense2, self.gnorm2)
        h3 = act(self.conv3(h2), self.dense3, self.gnorm3)
        h4 = act(self.conv4(h3), self.dense4, self.gnorm4)
        h = act(self.tconv4(h4), self.dense5, self.tgnorm4)
        h = act(self.tconv3(torch.cat([h, h3], dim=1)), self.dense6, self.tgnorm3)
        h = act(self.tconv2(torch.cat([h, h2], dim=1)), self.dense7, self.tgnorm2)
        h = self.tconv1(torch.cat([h, h1], dim=1))
        return h / std(t)[:, None, None, None]


def load_network(checkpoint):
    net = ScoreNet()
    net.load_state_dict(load_file(checkpoint))
    return net


class TrainingStep:
    """Draws t and z, loss of eq. (5), gradient, Adam, and reads the loss."""

    def __init__(self, checkpoint, batch):
        self.net = load_network(checkpoint)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-4)
        self.images = torch.rand(batch, 1, 28, 28)

    def __call__(self):
        x0 = self.images
        t = torch.rand(len(x0)) * (1 - 1e-5) + 1e-5
        z = torch.randn_like(x0)
        scale = std(t)[:, None, None, None]
        residual = self.net(x0 + z * scale, t) * scale + z
        loss = torch.mean(torch.sum(residual**2, dim=(1, 2, 3)))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


class ScoreEvaluation:
    def __init__(self, checkpoint, batch):
        self.net = load_network(checkpoint)
        self.x = torch.randn(batch, 1, 28, 28)
        self.t = torch.full((batch,), 0.5)

    @torch.no_grad()
    def __call__(self):
        return self.net(self.x, self.t)


def euler_maruyama_step(net, x, t, dt):
    g = BETA**t
    mean = x + g**2 * net(x, torch.full((len(x),), t)) * dt
    return mean + g * math.sqrt(dt) * torch.randn_like(x)


def langevin_step(net, x, t, snr=0.16):
    grad = net(x, torch.full((len(x),), t))
    grad_norm = torch.norm(grad.reshape(len(x), -1), dim=-1).mean()
    noise_norm = math.sqrt(x[0].numel())
    step = 2 * (snr * noise_norm / grad_norm) ** 2
    return x + step * grad + torch.sqrt(2 * step) * torch.randn_like(x)


class Sampling:
    """500 steps from noise to samples, with the corrector or without."""

    def __init__(self, checkpoint, batch, corrector):
        self.net, self.batch, self.corrector = load_network(checkpoint), batch, corrector

    @torch.no_grad()
    def __call__(self):
        dt = (1 - EPS) / 500
        x = torch.randn(self.batch, 1, 28, 28) * std(torch.ones(()))
        for i in range(500):
            t = 1 - i * dt
            if self.corrector:
                x = langevin_step(self.net, x, t)
            x = euler_maruyama_step(self.net, x, t, dt)
        return x.numpy()


def make_work(request, checkpoint):
    work, batch = request["work"], request["batch"]
    if work == "trainingStep":
        return TrainingStep(checkpoint, batch)
    if work == "scoreEvaluation":
        return ScoreEvaluation(checkpoint, batch)
    return Sampling(checkpoint, batch, corrector=work == "predictorCorrector")


def agreement(request, checkpoint):
    """Scores of given images: the proof that both contestants run the same network."""
    x = torch.tensor(request["x"]).reshape(-1, 1, 28, 28)
    with torch.no_grad():
        return {"scores": load_network(checkpoint)(x, torch.tensor(request["t"])).flatten().tolist()}


def resident_mb():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


def memory(request, checkpoint):
    start = resident_mb()
    step = TrainingStep(checkpoint, request["batch"])
    resident = []
    for i in range(1, request["steps"] + 1):
        step()
        if i % (request["steps"] // 10) == 0:
            resident.append(resident_mb())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"start": start, "peak": peak, "resident": resident}


def timings(call, count):
    ms = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        ms.append(1000 * (time.perf_counter() - started))
    return ms


def main():
    threads, checkpoint = int(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    print(json.dumps({"name": f"PyTorch {torch.__version__}"}), flush=True)
    prepared = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["work"] == "agreement":
            answer = agreement(request, checkpoint)
        elif request["work"] == "memory":
            answer = memory(request, checkpoint)
        else:
            key = request["work"], request["batch"]
            if key not in prepared:
                prepared = {key: make_work(request, checkpoint)}
            answer = {"ms": timings(prepared[key], request["count"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
