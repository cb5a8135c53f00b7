"""The two phases: what is frozen, and which rates apply."""

from __future__ import annotations

from dataclasses import replace

import torch

from lift_core.model.config import preset
from lift_core.model.lift import LIFT
from lift_core.training.config import TrainConfig
from lift_core.training.phases import enter_phase, loaded_part, make_optimizer, phase_at, set_rate

CONFIG = TrainConfig(data=("d",), steps=10, phase1_share=0.2, phase1_crop=64, phase2_crop=96)


def test_phase_one_needs_a_loaded_encoder() -> None:
    assert phase_at(CONFIG, 0.1, encoder_loaded=True).number == 1
    assert phase_at(CONFIG, 0.1, encoder_loaded=True).crop == 64
    assert phase_at(CONFIG, 0.3, encoder_loaded=True).number == 2
    assert phase_at(CONFIG, 0.1, encoder_loaded=False).number == 2
    assert phase_at(CONFIG, 0.1, encoder_loaded=False).crop == 96


def test_a_frozen_encoder_takes_no_gradient_and_keeps_its_bits() -> None:
    model = LIFT(preset("lift_tiny"))
    optimizer = make_optimizer(model, CONFIG, model.encoder)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    enter_phase(model, phase_at(CONFIG, 0.0, encoder_loaded=True), model.encoder)
    frames = torch.rand(1, 2, 3, 32, 32)
    output = model(frames, torch.tensor([[-0.5, 0.5]]), torch.ones(1, 2, dtype=torch.bool), 0.5)
    (output.frame - 0.3).square().mean().backward()
    optimizer.step()
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed
    assert not any(name.startswith("encoder.") for name in changed)


def test_phase_two_frees_the_encoder_again() -> None:
    model = LIFT(preset("lift_tiny"))
    enter_phase(model, phase_at(CONFIG, 0.0, encoder_loaded=True), model.encoder)
    assert not model.encoder.training
    enter_phase(model, phase_at(CONFIG, 0.5, encoder_loaded=True), model.encoder)
    assert model.encoder.training
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_loaded_encoder_trains_at_a_tenth_and_every_parameter_once() -> None:
    model = LIFT(preset("lift_tiny"))
    optimizer = make_optimizer(model, CONFIG, model.encoder)
    set_rate(optimizer, 1e-3)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert len(rates) == sum(len(group["params"]) for group in optimizer.param_groups)
    for name, parameter in model.named_parameters():
        assert rates[id(parameter)] == (1e-4 if name.startswith("encoder.") else 1e-3)


def test_biases_and_norms_are_not_decayed() -> None:
    model = LIFT(preset("lift_tiny"))
    optimizer = make_optimizer(model, CONFIG, None)
    for group in optimizer.param_groups:
        assert all((p.ndim > 1) == (group["weight_decay"] > 0) for p in group["params"])


def test_of_a_contextnet_encoder_the_trunk_is_frozen_and_the_adapters_train() -> None:
    config = replace(CONFIG, encoder="contextnet", contextnet="flownet.pkl")
    model = LIFT(config.model_config())
    loaded = loaded_part(model, config)
    optimizer = make_optimizer(model, config, loaded)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    enter_phase(model, phase_at(config, 0.0, encoder_loaded=True), loaded)
    output = model(torch.rand(1, 2, 3, 32, 32), torch.tensor([[-0.5, 0.5]]), torch.ones(1, 2, dtype=torch.bool), 0.5)
    (output.frame - 0.3).square().mean().backward()
    for _ in range(2):
        optimizer.step()
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert not any(name.startswith("encoder.trunk.") for name in changed)
    assert any(name.startswith("refiner.") for name in changed)
    assert all(p.requires_grad for name, p in model.named_parameters() if name.startswith("encoder.adapt"))
    assert loaded_part(model, CONFIG) is None
    assert loaded_part(model, replace(CONFIG, init="lift_tiny")) is model.encoder
